package random

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

type properties = resource.PropertyMap

var kinds = map[string]kind{
	"random:index/randomPassword:RandomPassword": {
		defaults: characterDefaults, draw: drawPassword, secret: []resource.PropertyKey{"result", "bcryptHash"},
	},
	"random:index/randomString:RandomString": {defaults: characterDefaults, draw: drawString},
	"random:index/randomId:RandomId":         {draw: drawID},
	"random:index/randomBytes:RandomBytes": {
		draw: drawBytes, secret: []resource.PropertyKey{"base64", "hex"},
	},
	"random:index/randomInteger:RandomInteger": {draw: drawInteger},
	"random:index/randomUuid:RandomUuid":       {draw: drawUUID(uuid.NewRandom)},
	"random:index/randomUuid4:RandomUuid4":     {draw: drawUUID(uuid.NewRandom)},
	"random:index/randomUuid7:RandomUuid7":     {draw: drawUUID(uuid.NewV7)},
}

func drawID(inputs properties) (string, properties, error) {
	bytes, err := randomBytes(inputs, "byteLength")
	if err != nil {
		return "", nil, err
	}
	id := base64.RawURLEncoding.EncodeToString(bytes)
	prefix := text(inputs, "prefix")
	return id, properties{
		"b64Std": resource.NewStringProperty(prefix + base64.StdEncoding.EncodeToString(bytes)),
		"b64Url": resource.NewStringProperty(prefix + id),
		"dec":    resource.NewStringProperty(prefix + new(big.Int).SetBytes(bytes).String()),
		"hex":    resource.NewStringProperty(prefix + hex.EncodeToString(bytes)),
	}, nil
}

func drawBytes(inputs properties) (string, properties, error) {
	bytes, err := randomBytes(inputs, "length")
	if err != nil {
		return "", nil, err
	}
	return "none", properties{
		"base64": resource.NewStringProperty(base64.StdEncoding.EncodeToString(bytes)),
		"hex":    resource.NewStringProperty(hex.EncodeToString(bytes)),
	}, nil
}

func drawInteger(inputs properties) (string, properties, error) {
	if _, seeded := inputs["seed"]; seeded {
		return "", nil, fmt.Errorf("seed: %q gives another value than the official plugin would draw; leave it out",
			text(inputs, "seed"))
	}
	minimum, maximum := number(inputs, "min"), number(inputs, "max")
	if maximum < minimum {
		return "", nil, fmt.Errorf("max: %d is below min %d; give a max of at least %[2]d", maximum, minimum)
	}
	drawn, err := rand.Int(rand.Reader, big.NewInt(maximum-minimum+1))
	if err != nil {
		return "", nil, err
	}
	result := minimum + drawn.Int64()
	return fmt.Sprint(result), properties{"result": resource.NewNumberProperty(float64(result))}, nil
}

func drawUUID(generate func() (uuid.UUID, error)) func(properties) (string, properties, error) {
	return func(properties) (string, properties, error) {
		drawn, err := generate()
		if err != nil {
			return "", nil, err
		}
		return drawn.String(), properties{"result": resource.NewStringProperty(drawn.String())}, nil
	}
}

func randomBytes(inputs properties, key resource.PropertyKey) ([]byte, error) {
	length := number(inputs, key)
	if length < 1 {
		return nil, fmt.Errorf("%s: %d is not allowed; give the number of bytes, at least 1", key, length)
	}
	bytes := make([]byte, length)
	_, err := rand.Read(bytes)
	return bytes, err
}

// number is the whole number at key, secret or not; 0 when there is none.
func number(inputs properties, key resource.PropertyKey) int64 {
	value := inputs[key]
	for value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsNumber() {
		return 0
	}
	return int64(value.NumberValue())
}

// text is the string at key, secret or not; empty when there is none.
func text(inputs properties, key resource.PropertyKey) string {
	value := inputs[key]
	for value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		return ""
	}
	return value.StringValue()
}

// flag is the boolean at key, secret or not; false when there is none.
func flag(inputs properties, key resource.PropertyKey) bool {
	value := inputs[key]
	for value.IsSecret() {
		value = value.SecretValue().Element
	}
	return value.IsBool() && value.BoolValue()
}
