package random

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/crypto/bcrypt"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

func create(t *testing.T, token string, inputs map[string]any) (string, resource.PropertyMap, error) {
	t.Helper()
	provider, ctx, urn := NewProvider(context.Background()), context.Background(), "urn:pulumi:dev::p::"+token+"::x"
	news, err := host.Marshal(properties.FromPlainMap(inputs))
	if err != nil {
		t.Fatal(err)
	}
	checked, err := provider.Check(ctx, &pulumirpc.CheckRequest{Urn: urn, News: news})
	if err != nil {
		return "", nil, err
	}
	created, err := provider.Create(ctx, &pulumirpc.CreateRequest{Urn: urn, Properties: checked.Inputs})
	if err != nil {
		return "", nil, err
	}
	outputs, err := host.Unmarshal(created.Properties)
	if err != nil {
		t.Fatal(err)
	}
	return created.Id, outputs, nil
}

func TestPassword(t *testing.T) {
	id, outputs, err := create(t, "random:index/randomPassword:RandomPassword", map[string]any{
		"length": int64(40), "minNumeric": int64(3), "special": false, "upper": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	result := properties.String(outputs, "result")
	if !outputs["result"].IsSecret() || !outputs["bcryptHash"].IsSecret() || id == result {
		t.Error("the password is not secret")
	}
	if len(result) != 40 || strings.Trim(result, lowerCharacters+numericCharacters) != "" {
		t.Errorf("a password of %d characters, or with ones that are not allowed", len(result))
	}
	if digits := strings.Map(keepDigits, result); len(digits) < 3 {
		t.Errorf("%d digits, want at least 3", len(digits))
	}
	if err := bcrypt.CompareHashAndPassword([]byte(properties.String(outputs, "bcryptHash")), []byte(result)); err != nil {
		t.Error(err)
	}
}

func keepDigits(char rune) rune {
	if strings.ContainsRune(numericCharacters, char) {
		return char
	}
	return -1
}

func TestKinds(t *testing.T) {
	cases := []struct {
		token  string
		inputs map[string]any
		output resource.PropertyKey
		length int
		secret bool
	}{
		{"random:index/randomString:RandomString", map[string]any{"length": int64(9)}, "result", 9, false},
		{"random:index/randomId:RandomId", map[string]any{"byteLength": int64(4), "prefix": "p-"}, "hex", 10, false},
		{"random:index/randomBytes:RandomBytes", map[string]any{"length": int64(6)}, "base64", 8, true},
		{"random:index/randomUuid:RandomUuid", map[string]any{}, "result", 36, false},
		{"random:index/randomUuid7:RandomUuid7", map[string]any{}, "result", 36, false},
	}
	for _, test := range cases {
		_, outputs, err := create(t, test.token, test.inputs)
		if err != nil {
			t.Errorf("%s: %v", test.token, err)
			continue
		}
		if value := properties.String(outputs, test.output); len(value) != test.length || outputs[test.output].IsSecret() != test.secret {
			t.Errorf("%s: %s has %d characters, secret %v", test.token, test.output, len(value), outputs[test.output].IsSecret())
		}
	}
	_, outputs, err := create(t, "random:index/randomInteger:RandomInteger", map[string]any{"min": int64(5), "max": int64(6)})
	if value := properties.Number(outputs, "result"); err != nil || value < 5 || value > 6 {
		t.Errorf("integer %v, error %v", value, err)
	}
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		token  string
		inputs map[string]any
		words  string
	}{
		{"random:index/randomString:RandomString", map[string]any{"length": int64(2), "minLower": int64(3)}, "length: 2"},
		{"random:index/randomString:RandomString", map[string]any{"length": int64(2), "lower": false, "upper": false,
			"special": false, "numeric": false}, "all false"},
		{"random:index/randomInteger:RandomInteger", map[string]any{"min": int64(2), "max": int64(1)}, "max: 1"},
		{"random:index/randomPet:RandomPet", map[string]any{}, "RandomPet"},
	}
	for _, test := range cases {
		if _, _, err := create(t, test.token, test.inputs); err == nil || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s %v: error = %v, want one with %q", test.token, test.inputs, err, test.words)
		}
	}
}

func TestKeepersReplace(t *testing.T) {
	marshal := func(keeper string) *pulumirpc.DiffRequest {
		inputs, err := host.Marshal(properties.FromPlainMap(map[string]any{"keepers": map[string]any{"k": keeper}}))
		if err != nil {
			t.Fatal(err)
		}
		return &pulumirpc.DiffRequest{OldInputs: inputs, News: inputs}
	}
	request := marshal("a")
	provider := NewProvider(context.Background())
	if response, err := provider.Diff(context.Background(), request); err != nil || response.Changes != pulumirpc.DiffResponse_DIFF_NONE {
		t.Errorf("response %v, error %v, want no change", response, err)
	}
	request.News = marshal("b").News
	if response, err := provider.Diff(context.Background(), request); err != nil || len(response.Replaces) != 1 {
		t.Errorf("response %v, error %v, want a replacement", response, err)
	}
}
