package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/backend/backenderr"
	"github.com/pulumi/pulumi/pkg/v3/backend/httpstate/client"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"inference-stack/sim/backend/internal/store"
)

const testToken = "0123456789abcdef0123456789abcdef"

// service is a running service and the engine's own client for it.
type service struct {
	*testing.T
	*client.Client
	url   string
	stack client.StackIdentifier
}

func newService(t *testing.T) service {
	t.Helper()
	states, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	handler := &Server{
		Store: states, Token: testToken, EngineVersion: "3.259.0", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	server := httptest.NewUnstartedServer(handler.Handler())
	server.Config.ConnContext = ConnContext
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := states.Close(); err != nil {
			t.Error(err)
		}
	})
	return service{T: t, url: server.URL, Client: newClient(server.URL, testToken), stack: stackNamed("dev")}
}

func newClient(url, token string) *client.Client {
	return client.NewClient(url, token, true, diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: "never"}))
}

func stackNamed(name string) client.StackIdentifier {
	return client.StackIdentifier{Owner: Organization, Project: "project", Stack: tokens.MustParseStackName(name)}
}

func (s service) create() {
	s.Helper()
	if _, _, err := s.CreateStack(s.Context(), s.stack, map[string]string{"a": "b"}, nil, nil, nil); err != nil {
		s.Fatal(err)
	}
}

// lease is a token that needs no renewal.
type lease string

func (l lease) GetToken(context.Context) (string, error) { return string(l), nil }

func (s service) announce(kind apitype.UpdateKind, dryRun bool) client.UpdateIdentifier {
	s.Helper()
	project := &workspace.Project{Name: "project", Runtime: workspace.NewProjectRuntimeInfo("nodejs", nil)}
	settings := config.Map{config.MustMakeKey("project", "key"): config.NewValue("value")}
	update, _, err := s.CreateUpdate(
		s.Context(), kind, s.stack, project, settings, apitype.UpdateMetadata{Message: "m"}, engine.UpdateOptions{}, dryRun)
	if err != nil {
		s.Fatal(err)
	}
	return update
}

func (s service) begin() (client.UpdateIdentifier, lease) {
	s.Helper()
	update := s.announce(apitype.UpdateUpdate, false)
	_, token, journal, err := s.StartUpdate(s.Context(), update, map[string]string{"c": "d"})
	if err != nil || journal != 1 || token == "" {
		s.Fatalf("token %q, journal version %d, %v", token, journal, err)
	}
	return update, lease(token)
}

func created(sequence, operation int64, name string) []apitype.JournalEntry {
	state := apitype.ResourceV3{URN: resource.URN("urn:pulumi:dev::project::test:index:Thing::" + name), Type: "test:index:Thing"}
	return []apitype.JournalEntry{
		{
			Version: 1, Kind: apitype.JournalEntryKindBegin, SequenceID: sequence, OperationID: operation,
			Operation: &apitype.OperationV2{Type: apitype.OperationTypeCreating, Resource: state},
		},
		{Version: 1, Kind: apitype.JournalEntryKindSuccess, SequenceID: sequence + 1, OperationID: operation, State: &state},
	}
}

func (s service) wantState(resources, pending int) {
	s.Helper()
	exported, err := s.ExportStackDeployment(s.Context(), s.stack, nil)
	if err != nil {
		s.Fatal(err)
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(exported.Deployment, &deployment); err != nil {
		s.Fatal(err)
	}
	if len(deployment.Resources) != resources || len(deployment.PendingOperations) != pending {
		s.Fatalf("%d resources and %d pending operations; want %d and %d",
			len(deployment.Resources), len(deployment.PendingOperations), resources, pending)
	}
}

func wantCode(t *testing.T, err error, code int, words string) {
	t.Helper()
	var answer *apitype.ErrorResponse
	if forbidden := (backenderr.ForbiddenError{}); errors.As(err, &forbidden) {
		err = forbidden.Err
	}
	if !errors.As(err, &answer) || answer.Code != code || !strings.Contains(answer.Message, words) {
		t.Fatalf("got %v, want status %d with %q", err, code, words)
	}
}
