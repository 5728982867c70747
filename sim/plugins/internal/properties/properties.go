// Package properties converts between the engine's property values and plain JSON values, and carries secretness from
// one to the other.
package properties

import (
	"math"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Unknown stands in plain values for what the engine does not know yet.
type Unknown struct{}

// Reveal takes away secrets and outputs around a value; what is inside collections stays as it is.
func Reveal(value resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case value.IsSecret():
			value = value.SecretValue().Element
		case value.IsOutput() && value.OutputValue().Known:
			value = value.OutputValue().Element
		default:
			return value
		}
	}
}

// RevealAll is a copy of the map without any secret marks.
func RevealAll(properties resource.PropertyMap) resource.PropertyMap {
	revealed := make(resource.PropertyMap, len(properties))
	for key, value := range properties {
		revealed[key] = revealAll(value)
	}
	return revealed
}

func revealAll(value resource.PropertyValue) resource.PropertyValue {
	value = Reveal(value)
	switch {
	case value.IsObject():
		return resource.NewObjectProperty(RevealAll(value.ObjectValue()))
	case value.IsArray():
		elements := make([]resource.PropertyValue, len(value.ArrayValue()))
		for i, element := range value.ArrayValue() {
			elements[i] = revealAll(element)
		}
		return resource.NewArrayProperty(elements)
	}
	return value
}

// Plain converts to JSON values: map[string]any, []any, string, bool, int64, float64, nil, and Unknown.
func Plain(value resource.PropertyValue) any {
	value = Reveal(value)
	switch {
	case value.IsObject():
		return PlainMap(value.ObjectValue())
	case value.IsArray():
		elements := make([]any, len(value.ArrayValue()))
		for i, element := range value.ArrayValue() {
			elements[i] = Plain(element)
		}
		return elements
	case value.IsString():
		return value.StringValue()
	case value.IsBool():
		return value.BoolValue()
	case value.IsNumber():
		// Kubernetes distinguishes integers from other numbers, the engine does not.
		if number := value.NumberValue(); number == math.Trunc(number) && math.Abs(number) < 1<<53 {
			return int64(number)
		}
		return value.NumberValue()
	case value.IsComputed() || value.IsOutput():
		return Unknown{}
	case value.IsAsset():
		return value.AssetValue().Text
	}
	return nil
}

// PlainMap converts a map to JSON values.
func PlainMap(properties resource.PropertyMap) map[string]any {
	plain := make(map[string]any, len(properties))
	for key, value := range properties {
		plain[string(key)] = Plain(value)
	}
	return plain
}

// FromPlain converts JSON values to property values.
func FromPlain(plain any) resource.PropertyValue {
	switch typed := plain.(type) {
	case map[string]any:
		return resource.NewObjectProperty(FromPlainMap(typed))
	case []any:
		elements := make([]resource.PropertyValue, len(typed))
		for i, element := range typed {
			elements[i] = FromPlain(element)
		}
		return resource.NewArrayProperty(elements)
	case string:
		return resource.NewStringProperty(typed)
	case bool:
		return resource.NewBoolProperty(typed)
	case int64:
		return resource.NewNumberProperty(float64(typed))
	case float64:
		return resource.NewNumberProperty(typed)
	case Unknown:
		return resource.MakeComputed(resource.NewStringProperty(""))
	}
	return resource.NewNullProperty()
}

// FromPlainMap converts a map of JSON values.
func FromPlainMap(plain map[string]any) resource.PropertyMap {
	properties := make(resource.PropertyMap, len(plain))
	for key, value := range plain {
		properties[resource.PropertyKey(key)] = FromPlain(value)
	}
	return properties
}

// MarkSecrets makes every value of target secret that is secret at the same place in source.
func MarkSecrets(target, source resource.PropertyMap) resource.PropertyMap {
	marked := make(resource.PropertyMap, len(target))
	for key, value := range target {
		marked[key] = markSecrets(value, source[key])
	}
	return marked
}

func markSecrets(target, source resource.PropertyValue) resource.PropertyValue {
	switch {
	case target.IsSecret() || !source.ContainsSecrets():
		return target
	case source.IsSecret():
		return resource.MakeSecret(revealAll(target))
	case target.IsObject() && source.IsObject():
		return resource.NewObjectProperty(MarkSecrets(target.ObjectValue(), source.ObjectValue()))
	case target.IsArray() && source.IsArray():
		elements := slices.Clone(target.ArrayValue())
		for i, element := range source.ArrayValue() {
			if i < len(elements) {
				elements[i] = markSecrets(elements[i], element)
			}
		}
		return resource.NewArrayProperty(elements)
	}
	// The shapes differ, so nothing says which part holds the secret.
	return resource.MakeSecret(revealAll(target))
}

// String is the string at key, secret or not; empty when there is none or it is unknown.
func String(properties resource.PropertyMap, key resource.PropertyKey) string {
	if value := Reveal(properties[key]); value.IsString() {
		return value.StringValue()
	}
	return ""
}

// Bool is the boolean at key, which the SDKs also send as the strings "true" and "false".
func Bool(properties resource.PropertyMap, key resource.PropertyKey) bool {
	value := Reveal(properties[key])
	return value.IsBool() && value.BoolValue() || value.IsString() && value.StringValue() == "true"
}

// Number is the number at key; 0 when there is none.
func Number(properties resource.PropertyMap, key resource.PropertyKey) float64 {
	if value := Reveal(properties[key]); value.IsNumber() {
		return value.NumberValue()
	}
	return 0
}

// Object is the object at key; nil when there is none.
func Object(properties resource.PropertyMap, key resource.PropertyKey) resource.PropertyMap {
	if value := Reveal(properties[key]); value.IsObject() {
		return value.ObjectValue()
	}
	return nil
}

// IsUnknown tells whether the value at key will be known only after an update.
func IsUnknown(properties resource.PropertyMap, key resource.PropertyKey) bool {
	value := Reveal(properties[key])
	return value.IsComputed() || value.IsOutput()
}
