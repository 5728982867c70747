package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// checkpoint is a stack's state as it lies on disk: the deployment as `pulumi stack export` prints it, and a number
// that grows with every change.
type checkpoint struct {
	Generation int64 `json:"generation"`
	apitype.UntypedDeployment
}

// readCheckpoint gives an empty deployment for a stack that was never deployed.
func readCheckpoint(path string) (checkpoint, error) {
	var result checkpoint
	err := readJSON(path, &result)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint{UntypedDeployment: apitype.UntypedDeployment{
			Version:    apitype.DeploymentSchemaVersionCurrent,
			Deployment: json.RawMessage("{}"),
		}}, nil
	}
	return result, err
}

// deployment decodes the state; it fails on a schema version that this build does not know.
func (c checkpoint) deployment() (*apitype.DeploymentV3, error) {
	return stack.UnmarshalUntypedDeployment(context.Background(), &c.UntypedDeployment)
}

func untyped(deployment apitype.TypedDeployment) (apitype.UntypedDeployment, error) {
	result, err := deployment.Deployment.ToUntypedDeployment(deployment.Version, deployment.Features)
	if err != nil {
		return apitype.UntypedDeployment{}, err
	}
	return *result, nil
}

// checkDeployment refuses a state that could not be read back.
func checkDeployment(deployment apitype.UntypedDeployment) error {
	if len(deployment.Deployment) == 0 {
		return fmt.Errorf("%w: the deployment is missing", ErrInvalid)
	}
	if _, err := (checkpoint{UntypedDeployment: deployment}).deployment(); err != nil {
		return fmt.Errorf("%w: the deployment cannot be read: %w", ErrInvalid, err)
	}
	return nil
}
