package random

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"inference-stack/sim/plugins/internal/properties"
)

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

func drawID(inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	bytes, err := randomBytes(inputs, "byteLength")
	if err != nil {
		return "", nil, err
	}
	id := base64.RawURLEncoding.EncodeToString(bytes)
	prefix := properties.String(inputs, "prefix")
	return id, resource.PropertyMap{
		"b64Std": resource.NewStringProperty(prefix + base64.StdEncoding.EncodeToString(bytes)),
		"b64Url": resource.NewStringProperty(prefix + id),
		"dec":    resource.NewStringProperty(prefix + new(big.Int).SetBytes(bytes).String()),
		"hex":    resource.NewStringProperty(prefix + hex.EncodeToString(bytes)),
	}, nil
}

func drawBytes(inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	bytes, err := randomBytes(inputs, "length")
	if err != nil {
		return "", nil, err
	}
	return "none", resource.PropertyMap{
		"base64": resource.NewStringProperty(base64.StdEncoding.EncodeToString(bytes)),
		"hex":    resource.NewStringProperty(hex.EncodeToString(bytes)),
	}, nil
}

func drawInteger(inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	if _, seeded := inputs["seed"]; seeded {
		return "", nil, fmt.Errorf("seed: %q gives another value than the official plugin would draw; leave it out",
			properties.String(inputs, "seed"))
	}
	minimum, maximum := wholeNumber(inputs, "min"), wholeNumber(inputs, "max")
	if maximum < minimum {
		return "", nil, fmt.Errorf("max: %d is below min %d; give a max of at least %[2]d", maximum, minimum)
	}
	drawn, err := rand.Int(rand.Reader, big.NewInt(maximum-minimum+1))
	if err != nil {
		return "", nil, err
	}
	result := minimum + drawn.Int64()
	return fmt.Sprint(result), resource.PropertyMap{"result": resource.NewNumberProperty(float64(result))}, nil
}

func drawUUID(generate func() (uuid.UUID, error)) func(resource.PropertyMap) (string, resource.PropertyMap, error) {
	return func(resource.PropertyMap) (string, resource.PropertyMap, error) {
		drawn, err := generate()
		if err != nil {
			return "", nil, err
		}
		return drawn.String(), resource.PropertyMap{"result": resource.NewStringProperty(drawn.String())}, nil
	}
}

func randomBytes(inputs resource.PropertyMap, key resource.PropertyKey) ([]byte, error) {
	length := wholeNumber(inputs, key)
	if length < 1 {
		return nil, fmt.Errorf("%s: %d is not allowed; give the number of bytes, at least 1", key, length)
	}
	bytes := make([]byte, length)
	_, err := rand.Read(bytes)
	return bytes, err
}

func wholeNumber(inputs resource.PropertyMap, key resource.PropertyKey) int64 {
	return int64(properties.Number(inputs, key))
}
