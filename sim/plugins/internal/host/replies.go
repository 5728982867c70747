package host

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// Unmarshal reads properties from the wire, keeping what is secret and what is not known yet.
func Unmarshal(properties *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, SkipNulls: true,
	})
}

// UnmarshalBoth reads what was and what is to be, or the other way round.
func UnmarshalBoth(first, second *structpb.Struct) (resource.PropertyMap, resource.PropertyMap, error) {
	one, err := Unmarshal(first)
	if err != nil {
		return nil, nil, err
	}
	other, err := Unmarshal(second)
	return one, other, err
}

// Differences tells the engine which properties changed, and which of them are reason to replace the resource; diff is
// nil where nothing did.
func Differences(diff *resource.ObjectDiff, replaces func(resource.PropertyKey) bool) *pulumirpc.DiffResponse {
	if diff == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	}
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}
	for _, key := range diff.ChangedKeys() {
		response.Diffs = append(response.Diffs, string(key))
		if replaces(key) {
			response.Replaces = append(response.Replaces, string(key))
		}
	}
	return response
}

// Marshal writes properties for the wire, keeping what is secret and what is not known yet.
func Marshal(properties resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, SkipNulls: true,
	})
}

// InitFailed is the error of a resource that exists but did not become ready: the engine keeps it in the state and
// tries again at the next update.
func InitFailed(id string, outputs, inputs resource.PropertyMap, reason string) error {
	marshalledOutputs, err := Marshal(outputs)
	if err != nil {
		return err
	}
	detail := &pulumirpc.ErrorResourceInitFailed{Id: id, Properties: marshalledOutputs, Reasons: []string{reason}}
	if inputs != nil {
		if detail.Inputs, err = Marshal(inputs); err != nil {
			return err
		}
	}
	failure, err := status.New(codes.Unknown, reason).WithDetails(detail)
	if err != nil {
		return err
	}
	return failure.Err()
}
