package kubernetes

import (
	"encoding/json"
	"strings"
)

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		// Only maps, lists and scalars come here, and those always have a JSON form.
		panic(err)
	}
	return string(text)
}

func containsSlash(name string) bool { return strings.Contains(name, "/") }

func containsDryRun(message string) bool {
	return strings.Contains(strings.ToLower(message), "dry run")
}

// at walks maps by keys; nil when one is missing.
func at(value any, path ...string) any {
	for _, key := range path {
		object, isObject := value.(map[string]any)
		if !isObject {
			return nil
		}
		value = object[key]
	}
	return value
}

func stringAt(value any, path ...string) string {
	text, _ := at(value, path...).(string)
	return text
}

func boolAt(value any, path ...string) bool {
	flag, _ := at(value, path...).(bool)
	return flag
}

func listAt(value any, path ...string) []any {
	list, _ := at(value, path...).([]any)
	return list
}

// intAt is the whole number at path, or otherwise when there is none.
func intAt(value any, otherwise int64, path ...string) int64 {
	switch number := at(value, path...).(type) {
	case int64:
		return number
	case float64:
		return int64(number)
	}
	return otherwise
}
