package language

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// options are what a Pulumi.yaml or PulumiPolicy.yaml may set under runtime.options for nodejs.
type options struct {
	// nodeArgs go to node before the program, split at white space as a shell would.
	nodeArgs []string
	// typeScript asks the SDK to compile TypeScript with ts-node. Defaults to true; programs that bring their own
	// loader by nodeargs turn it off.
	typeScript bool
	// tsConfig is the tsconfig.json that ts-node shall use, relative to the program.
	tsConfig string
}

func parseOptions(runtimeOptions *structpb.Struct) (options, error) {
	parsed := options{typeScript: true}
	for key, value := range runtimeOptions.AsMap() {
		switch key {
		case "nodeargs":
			text, ok := value.(string)
			if !ok {
				return parsed, fmt.Errorf("runtime option nodeargs is %v; give a string such as \"--import=tsx\"", value)
			}
			args, err := splitArguments(text)
			if err != nil {
				return parsed, fmt.Errorf("runtime option nodeargs %q: %w", text, err)
			}
			parsed.nodeArgs = args
		case "typescript":
			enabled, ok := value.(bool)
			if !ok {
				return parsed, fmt.Errorf("runtime option typescript is %v; give true or false", value)
			}
			parsed.typeScript = enabled
		case "tsconfig":
			path, ok := value.(string)
			if !ok {
				return parsed, fmt.Errorf("runtime option tsconfig is %v; give the path of a tsconfig.json", value)
			}
			parsed.tsConfig = path
		}
	}
	return parsed, nil
}

func (o options) environment() []string {
	environment := []string{fmt.Sprintf("PULUMI_NODEJS_TYPESCRIPT=%t", o.typeScript)}
	if o.tsConfig != "" {
		environment = append(environment, "PULUMI_NODEJS_TSCONFIG_PATH="+o.tsConfig)
	}
	return environment
}

// splitArguments splits at white space outside single or double quotes. A backslash outside single quotes takes the
// next character as it is.
func splitArguments(text string) ([]string, error) {
	var arguments []string
	var current strings.Builder
	var quote rune
	var started, escaped bool
	for _, char := range text {
		switch {
		case escaped:
			current.WriteRune(char)
			escaped = false
		case char == '\\' && quote != '\'':
			escaped, started = true, true
		case quote != 0:
			if char == quote {
				quote = 0
			} else {
				current.WriteRune(char)
			}
		case char == '\'' || char == '"':
			quote, started = char, true
		case char == ' ' || char == '\t' || char == '\n':
			if started {
				arguments = append(arguments, current.String())
				current.Reset()
				started = false
			}
		default:
			current.WriteRune(char)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote or backslash is left open")
	}
	if started {
		arguments = append(arguments, current.String())
	}
	return arguments, nil
}
