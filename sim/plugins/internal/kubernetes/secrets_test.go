package kubernetes

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

const password = "correct horse battery"

func TestOutputsOfASecretAreSecret(t *testing.T) {
	inputs := fromYAML(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}}`)
	inputs["stringData"] = resource.NewObjectProperty(resource.PropertyMap{
		"token": resource.MakeSecret(resource.NewStringProperty(password)),
	})
	marshalled, err := host.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	operation, err := NewProvider(context.Background()).newOperation(
		"urn:pulumi:dev::p::kubernetes:core/v1:Secret::s", marshalled, nil)
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(password))
	live := object(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, managedFields: [{manager: m}]}, data: {token: `+encoded+`}}`)

	outputs := operation.outputsOf(live)
	if !outputs["data"].IsSecret() {
		t.Errorf("data = %v, want a secret", outputs["data"])
	}
	if metadata := properties.Object(outputs, "metadata"); metadata["managedFields"].HasValue() {
		t.Error("the state would hold the managed fields")
	}
	failure := operation.fail("creating", live, errors.New("invalid "+password+" and "+encoded)).Error()
	if strings.Contains(failure, password) || strings.Contains(failure, encoded) {
		t.Errorf("the error shows the secret: %s", failure)
	}
}

func TestOutputsKeepSecretsOfInputs(t *testing.T) {
	inputs := fromYAML(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {plain: a}}`)
	properties.Object(inputs, "data")["hidden"] = resource.MakeSecret(resource.NewStringProperty(password))
	marshalled, err := host.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	operation, err := NewProvider(context.Background()).newOperation(configMapURN, marshalled, nil)
	if err != nil {
		t.Fatal(err)
	}
	outputs := operation.outputsOf(object(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {plain: a, hidden: `+password+`}}`))
	data := properties.Object(outputs, "data")
	if !data["hidden"].IsSecret() || data["plain"].IsSecret() {
		t.Errorf("data = %v, want only hidden to be secret", data)
	}
	if sent := at(operation.object().Object, "data", "hidden"); sent != password {
		t.Errorf("the API server would get %v", sent)
	}
}
