package api

import (
	"encoding/json"
	"net/http"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

type account struct {
	ID            string    `json:"id,omitempty"`
	GitHubLogin   string    `json:"githubLogin"`
	Name          string    `json:"name"`
	Organizations []account `json:"organizations,omitempty"`
}

func (s *Server) user(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, account{
		ID: User, GitHubLogin: User, Name: User,
		Organizations: []account{{GitHubLogin: Organization, Name: Organization}},
	})
}

func (s *Server) defaultOrganization(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, apitype.GetDefaultOrganizationResponse{GitHubLogin: Organization})
}

// capabilities leaves out delta checkpoints, which journaling replaces, and batch encryption.
func (s *Server) capabilities(w http.ResponseWriter, _ *http.Request) error {
	schema, err := json.Marshal(apitype.DeploymentSchemaVersionConfig{Version: apitype.DeploymentSchemaVersionLatest})
	if err != nil {
		return err
	}
	return reply(w, apitype.CapabilitiesResponse{Capabilities: []apitype.APICapabilityConfig{
		{Capability: apitype.DeploymentSchemaVersion, Version: 1, Configuration: schema},
	}})
}

// cliVersion never asks for an upgrade: the version is pinned together with this service.
func (s *Server) cliVersion(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, apitype.CLIVersionResponse{
		LatestVersion: s.EngineVersion, OldestWithoutWarning: s.EngineVersion, LatestDevVersion: s.EngineVersion,
	})
}

func (s *Server) noEncryption(http.ResponseWriter, *http.Request) error {
	return badRequest("this state service does not encrypt: make the stack with " +
		"`pulumi stack init --secrets-provider passphrase`, " +
		"or change it with `pulumi stack change-secrets-provider passphrase`")
}

func (s *Server) unknown(_ http.ResponseWriter, r *http.Request) error {
	return notFound("%s %s: this state service serves stacks of this machine only and does not offer it",
		r.Method, r.URL.Path)
}

// ignore takes notices that only an audit log would keep.
func (s *Server) ignore(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
