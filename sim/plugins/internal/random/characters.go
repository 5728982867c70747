package random

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/bcrypt"

	"inference-stack/sim/plugins/internal/properties"
)

// Only the first 72 bytes count for bcrypt; its library refuses more.
const bcryptMaxBytes = 72

const (
	lowerCharacters   = "abcdefghijklmnopqrstuvwxyz"
	upperCharacters   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numericCharacters = "0123456789"
	// The set that the official provider documents for special characters.
	specialCharacters = "!@#$%&*()-_=+[]{}<>:?"
)

var characterDefaults = resource.PropertyMap{
	"lower":      resource.NewBoolProperty(true),
	"upper":      resource.NewBoolProperty(true),
	"special":    resource.NewBoolProperty(true),
	"minLower":   resource.NewNumberProperty(0),
	"minUpper":   resource.NewNumberProperty(0),
	"minNumeric": resource.NewNumberProperty(0),
	"minSpecial": resource.NewNumberProperty(0),
}

func drawString(inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	result, err := randomCharacters(inputs)
	if err != nil {
		return "", nil, err
	}
	drawn := resource.PropertyMap{"result": resource.NewStringProperty(result)}
	// number is the old name of numeric; both are outputs.
	numeric := resource.NewBoolProperty(numericAllowed(inputs))
	drawn["number"], drawn["numeric"] = numeric, numeric
	return result, drawn, nil
}

func drawPassword(inputs resource.PropertyMap) (string, resource.PropertyMap, error) {
	result, drawn, err := drawString(inputs)
	if err != nil {
		return "", nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(result)[:min(len(result), bcryptMaxBytes)], bcrypt.DefaultCost)
	if err != nil {
		return "", nil, err
	}
	drawn["bcryptHash"] = resource.NewStringProperty(string(hash))
	// The id is not secret, so it must not be the password.
	return "none", drawn, nil
}

func numericAllowed(inputs resource.PropertyMap) bool {
	for _, key := range []resource.PropertyKey{"numeric", "number"} {
		if _, given := inputs[key]; given {
			return properties.Bool(inputs, key)
		}
	}
	return true
}

// randomCharacters draws the minimum of each class, fills up from all allowed classes, and shuffles.
func randomCharacters(inputs resource.PropertyMap) (string, error) {
	special := specialCharacters
	if override := properties.String(inputs, "overrideSpecial"); override != "" {
		special = override
	}
	classes := []struct {
		characters string
		allowed    bool
		minimum    int64
	}{
		{lowerCharacters, properties.Bool(inputs, "lower"), wholeNumber(inputs, "minLower")},
		{upperCharacters, properties.Bool(inputs, "upper"), wholeNumber(inputs, "minUpper")},
		{numericCharacters, numericAllowed(inputs), wholeNumber(inputs, "minNumeric")},
		{special, properties.Bool(inputs, "special"), wholeNumber(inputs, "minSpecial")},
	}
	length := wholeNumber(inputs, "length")
	var all strings.Builder
	var result []byte
	for _, class := range classes {
		if class.allowed {
			all.WriteString(class.characters)
		}
		drawn, err := pick(class.characters, class.minimum)
		if err != nil {
			return "", err
		}
		result = append(result, drawn...)
	}
	if missing := length - int64(len(result)); length < 1 || missing < 0 {
		return "", fmt.Errorf("length: %d is not allowed; give at least %d, the sum of the minimums, and at least 1",
			length, len(result))
	} else if all.Len() == 0 {
		return "", fmt.Errorf("lower, upper, numeric and special are all false; allow one of them")
	} else if drawn, err := pick(all.String(), missing); err != nil {
		return "", err
	} else {
		result = append(result, drawn...)
	}
	err := shuffle(result)
	return string(result), err
}

func pick(characters string, count int64) ([]byte, error) {
	picked := make([]byte, 0, max(count, 0))
	for range count {
		index, err := randomBelow(len(characters))
		if err != nil {
			return nil, err
		}
		picked = append(picked, characters[index])
	}
	return picked, nil
}

func shuffle(characters []byte) error {
	for last := len(characters) - 1; last > 0; last-- {
		other, err := randomBelow(last + 1)
		if err != nil {
			return err
		}
		characters[last], characters[other] = characters[other], characters[last]
	}
	return nil
}

func randomBelow(limit int) (int, error) {
	index, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		return 0, err
	}
	return int(index.Int64()), nil
}
