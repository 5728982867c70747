package properties

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Shorter secrets are not searched for: they occur in ordinary words, and hiding those makes a message useless.
const shortestRedacted = 4

// Redactor takes secret values out of messages.
type Redactor struct {
	replacer *strings.Replacer
}

// NewRedactor hides every string that is secret in one of the maps, as it is, as base64 and as JSON writes it.
func NewRedactor(maps ...resource.PropertyMap) Redactor {
	found := map[string]bool{}
	for _, properties := range maps {
		for _, value := range properties {
			collectSecrets(value, false, found)
		}
	}
	secrets := make([]string, 0, len(found))
	for secret := range found {
		secrets = append(secrets, secret)
	}
	// A secret that contains another one must be replaced first.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[secret]")
	}
	return Redactor{strings.NewReplacer(pairs...)}
}

// Redact is the message without the secrets.
func (r Redactor) Redact(message string) string {
	if r.replacer == nil {
		return message
	}
	return r.replacer.Replace(message)
}

func collectSecrets(value resource.PropertyValue, secret bool, found map[string]bool) {
	switch {
	case value.IsSecret():
		collectSecrets(value.SecretValue().Element, true, found)
	case value.IsOutput():
		collectSecrets(value.OutputValue().Element, secret || value.OutputValue().Secret, found)
	case value.IsObject():
		for _, element := range value.ObjectValue() {
			collectSecrets(element, secret, found)
		}
	case value.IsArray():
		for _, element := range value.ArrayValue() {
			collectSecrets(element, secret, found)
		}
	case secret && value.IsString():
		addSecret(value.StringValue(), found)
	}
}

func addSecret(secret string, found map[string]bool) {
	forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
	if decoded, err := base64.StdEncoding.DecodeString(secret); err == nil {
		forms = append(forms, string(decoded))
	}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	for _, form := range forms {
		if len(strings.TrimSpace(form)) >= shortestRedacted {
			found[form] = true
		}
	}
}
