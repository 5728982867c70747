# shellcheck shell=bash
# What a script prints: one JSON object, without jq, which a bare host lacks.

# json_string TEXT: as a JSON string.
json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  # Other control characters cannot stand in a fact.
  printf '"%s"' "${text//[$'\001'-$'\037']/}"
}

# print_facts NAME VALUE…: the step's facts; a name that ends in `:` has a JSON value (a number, a boolean, an object).
print_facts() {
  local separator="" name
  printf '{'
  while (($# >= 2)); do
    name=${1%:}
    printf '%s%s:' "$separator" "$(json_string "$name")"
    if [[ $name == "$1" ]]; then json_string "$2"; else printf '%s' "$2"; fi
    separator=,
    shift 2
  done
  printf '}\n'
}
