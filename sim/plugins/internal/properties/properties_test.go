package properties

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func secret(text string) resource.PropertyValue {
	return resource.MakeSecret(resource.NewStringProperty(text))
}

func TestPlain(t *testing.T) {
	plain := PlainMap(resource.PropertyMap{
		"text":    secret("s"),
		"whole":   resource.NewNumberProperty(8),
		"part":    resource.NewNumberProperty(0.5),
		"list":    resource.NewArrayProperty([]resource.PropertyValue{resource.NewBoolProperty(true)}),
		"unknown": resource.MakeComputed(resource.NewStringProperty("")),
	})
	want := map[string]any{"text": "s", "whole": int64(8), "part": 0.5, "list": []any{true}, "unknown": Unknown{}}
	if !reflect.DeepEqual(plain, want) {
		t.Errorf("plain = %v, want %v", plain, want)
	}
	if back := PlainMap(FromPlainMap(plain)); !reflect.DeepEqual(back, want) {
		t.Errorf("there and back = %v, want %v", back, want)
	}
}

func TestMarkSecrets(t *testing.T) {
	target := FromPlainMap(map[string]any{
		"open": "a", "closed": "b", "list": []any{"c", "d"}, "deep": map[string]any{"x": "e", "y": "f"}, "other": "g",
	})
	marked := MarkSecrets(target, resource.PropertyMap{
		"open":   resource.NewStringProperty("a"),
		"closed": secret("b"),
		"list":   resource.NewArrayProperty([]resource.PropertyValue{resource.NewStringProperty("c"), secret("d")}),
		"deep":   resource.NewObjectProperty(resource.PropertyMap{"x": secret("e")}),
		"other":  resource.NewArrayProperty([]resource.PropertyValue{secret("g")}),
	})
	checks := map[string]struct {
		value resource.PropertyValue
		want  bool
	}{
		"open":      {marked["open"], false},
		"closed":    {marked["closed"], true},
		"list[0]":   {marked["list"].ArrayValue()[0], false},
		"list[1]":   {marked["list"].ArrayValue()[1], true},
		"deep.x":    {marked["deep"].ObjectValue()["x"], true},
		"deep.y":    {marked["deep"].ObjectValue()["y"], false},
		"new shape": {marked["other"], true},
	}
	for name, check := range checks {
		if check.value.IsSecret() != check.want {
			t.Errorf("%s: secret = %v, want %v", name, check.value.IsSecret(), check.want)
		}
	}
	if target["closed"].IsSecret() {
		t.Error("the original was changed")
	}
}

func TestRedact(t *testing.T) {
	redactor := NewRedactor(resource.PropertyMap{
		"a": secret("hunter2-long"), "b": secret("hunter2"), "c": secret(`with "quotes"`), "d": secret("ab"),
		"e": resource.NewStringProperty("shown"),
	})
	message := redactor.Redact(`hunter2-long hunter2 aHVudGVyMg== with \"quotes\" ab shown`)
	if want := "[secret] [secret] [secret] [secret] ab shown"; message != want {
		t.Errorf("message = %q, want %q", message, want)
	}
	if empty := (Redactor{}).Redact("as it is"); !strings.Contains(empty, "as it is") {
		t.Errorf("message = %q", empty)
	}
}
