package kubernetes

import (
	"encoding/base64"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// missing marks what the live object does not have.
type missing struct{}

// project gives the live value of everything that wanted sets, and wanted's own writing where both mean the same.
func project(wanted, live any) any {
	if live == nil && isEmpty(wanted) || sameScalar(wanted, live) {
		return wanted
	}
	switch typed := wanted.(type) {
	case map[string]any:
		object, isObject := live.(map[string]any)
		if !isObject {
			return absentOr(live)
		}
		projected := map[string]any{}
		for key, value := range typed {
			if found := project(value, object[key]); found != (missing{}) {
				projected[key] = found
			}
		}
		return projected
	case []any:
		list, isList := live.([]any)
		if !isList {
			return absentOr(live)
		}
		return projectList(typed, list)
	}
	return absentOr(live)
}

func absentOr(live any) any {
	if live == nil {
		return missing{}
	}
	return live
}

// projectList matches the elements of lists by what identifies them, else by their place.
func projectList(wanted, live []any) any {
	key := identifyingKey(wanted)
	projected := make([]any, 0, len(wanted))
	for i, element := range wanted {
		var counterpart any
		if key != "" {
			counterpart = findByKey(live, key, at(element, key))
		} else if i < len(live) {
			counterpart = live[i]
		}
		if counterpart == nil {
			continue
		}
		if found := project(element, counterpart); found != (missing{}) {
			projected = append(projected, found)
		}
	}
	if key == "" && len(live) > len(wanted) {
		// Nothing says whose the elements at the end are; a list without keys has one owner.
		projected = append(projected, live[len(wanted):]...)
	}
	return projected
}

// The keys by which the API server merges lists, the more specific first.
var listKeys = []string{"name", "mountPath", "devicePath", "containerPort", "port", "key", "topologyKey", "uid", "ip"}

func identifyingKey(list []any) string {
	for _, key := range listKeys {
		seen := map[any]bool{}
		for _, element := range list {
			value := at(element, key)
			if _, isObject := value.(map[string]any); isObject || value == nil || seen[value] {
				seen = nil
				break
			}
			seen[value] = true
		}
		if len(seen) > 0 {
			return key
		}
	}
	return ""
}

func findByKey(list []any, key string, value any) any {
	for _, element := range list {
		if reflect.DeepEqual(at(element, key), value) {
			return element
		}
	}
	return nil
}

// isEmpty tells whether a value is one that the API server leaves out.
func isEmpty(value any) bool {
	switch typed := value.(type) {
	case nil:
		return true
	case string:
		return typed == ""
	case bool:
		return !typed
	case int64:
		return typed == 0
	case float64:
		return typed == 0
	case []any:
		return len(typed) == 0
	case map[string]any:
		for _, element := range typed {
			if !isEmpty(element) {
				return false
			}
		}
		return true
	}
	return false
}

// sameScalar tells whether two scalars mean the same to the API server: 1000m and 1, "8000" and 8000.
func sameScalar(wanted, live any) bool {
	if !isScalar(wanted) || !isScalar(live) {
		return false
	}
	if fmt.Sprint(wanted) == fmt.Sprint(live) {
		return true
	}
	_, isBool := wanted.(bool)
	return !isBool && looksLikeQuantity(wanted) && sameQuantity(wanted, live)
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, bool, int64, float64:
		return true
	}
	return false
}

func looksLikeQuantity(value any) bool {
	text := fmt.Sprint(value)
	return text != "" && (text[0] >= '0' && text[0] <= '9' || text[0] == '.' || text[0] == '-')
}

func sameQuantity(a, b any) bool {
	left, errLeft := resource.ParseQuantity(fmt.Sprint(a))
	right, errRight := resource.ParseQuantity(fmt.Sprint(b))
	return errLeft == nil && errRight == nil && left.Cmp(right) == 0
}

// projectStringData gives the live text of each key: the API server keeps stringData only as base64 in data.
func projectStringData(wanted map[string]any, live *unstructured.Unstructured) map[string]any {
	projected := map[string]any{}
	for key := range wanted {
		encoded, found := at(live.Object, "data", key).(string)
		if !found {
			continue
		}
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			projected[key] = encoded
			continue
		}
		projected[key] = string(decoded)
	}
	return projected
}
