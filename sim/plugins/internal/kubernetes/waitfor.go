package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"
)

const (
	annotationSkipAwait      = "pulumi.com/skipAwait"
	annotationWaitFor        = "pulumi.com/waitFor"
	annotationTimeoutSeconds = "pulumi.com/timeoutSeconds"
)

// The official provider waits this long for most kinds.
const defaultAwaitTimeout = 10 * time.Minute

// readinessRule chooses how to tell that an object is ready: its waitFor annotation, else the rule of its kind. nil
// means that there is nothing to wait for.
func readinessRule(object *unstructured.Unstructured) (func(map[string]any) readiness, error) {
	annotations := object.GetAnnotations()
	if annotations[annotationSkipAwait] == "true" {
		return nil, nil
	}
	if text := annotations[annotationWaitFor]; text != "" {
		return parseWaitFor(text)
	}
	return readinessRules[object.GroupVersionKind().GroupKind()], nil
}

// awaitTimeout is the customTimeouts of the resource in seconds, else its annotation, else the default.
func awaitTimeout(customTimeout float64, annotations map[string]string) (time.Duration, error) {
	if customTimeout > 0 {
		return time.Duration(customTimeout * float64(time.Second)), nil
	}
	text, given := annotations[annotationTimeoutSeconds]
	if !given {
		return defaultAwaitTimeout, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds <= 0 {
		return 0, fmt.Errorf("annotation %s: %q is not a number of seconds above 0", annotationTimeoutSeconds, text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// parseWaitFor reads one expression or a JSON list of them, all of which must hold.
func parseWaitFor(text string) (func(map[string]any) readiness, error) {
	expressions := []string{text}
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &expressions); err != nil || len(expressions) == 0 {
			return nil, fmt.Errorf("annotation %s: %q is not a JSON list of expressions", annotationWaitFor, text)
		}
	}
	rules := make([]func(map[string]any) readiness, len(expressions))
	for i, expression := range expressions {
		rule, err := parseExpression(expression)
		if err != nil {
			return nil, fmt.Errorf("annotation %s: %q: %w", annotationWaitFor, expression, err)
		}
		rules[i] = rule
	}
	return func(object map[string]any) readiness {
		for _, rule := range rules {
			if found := rule(object); !found.ready {
				return found
			}
		}
		return isReady()
	}, nil
}

func parseExpression(expression string) (func(map[string]any) readiness, error) {
	if name, found := strings.CutPrefix(expression, "condition="); found {
		name, wanted, given := strings.Cut(name, "=")
		if !given {
			wanted = "True"
		}
		return conditionRule(name, wanted), nil
	}
	path, found := strings.CutPrefix(expression, "jsonpath=")
	if !found {
		return nil, fmt.Errorf("it must start with condition= or jsonpath=, as in `condition=Ready` or " +
			"`jsonpath={.status.phase}=Running`")
	}
	wanted, compared := "", false
	if end := strings.LastIndex(path, "}="); end >= 0 {
		path, wanted, compared = path[:end+1], path[end+2:], true
	}
	parsed := jsonpath.New("waitFor").AllowMissingKeys(true)
	if err := parsed.Parse(path); err != nil {
		return nil, err
	}
	return pathRule(parsed, path, wanted, compared), nil
}

func conditionRule(name, wanted string) func(map[string]any) readiness {
	return func(object map[string]any) readiness {
		status, reason, message := condition(object, name)
		if strings.EqualFold(status, wanted) {
			return isReady()
		}
		return isWaiting("condition %s is %q, not %q: %s", name, status, wanted, strings.TrimSpace(reason+" "+message))
	}
}

func pathRule(path *jsonpath.JSONPath, text, wanted string, compared bool) func(map[string]any) readiness {
	return func(object map[string]any) readiness {
		var found bytes.Buffer
		if err := path.Execute(&found, object); err != nil {
			return isWaiting("%s: %v", text, err)
		}
		if compared && found.String() != wanted || !compared && found.Len() == 0 {
			return isWaiting("%s is %q, not %q", text, found.String(), wanted)
		}
		return isReady()
	}
}
