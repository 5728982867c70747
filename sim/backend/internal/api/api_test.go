package api

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/backend/httpstate/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestLogin(t *testing.T) {
	s := newService(t)
	name, organizations, _, err := s.GetPulumiAccountDetails(t.Context())
	if err != nil || name != User || len(organizations) != 1 || organizations[0] != Organization {
		t.Fatalf("%q, %v, %v", name, organizations, err)
	}
	standard, err := s.GetDefaultOrg(t.Context())
	if err != nil || standard.GitHubLogin != Organization {
		t.Fatalf("%+v, %v", standard, err)
	}
	answer, err := s.GetCapabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	capabilities, err := answer.Parse()
	if err != nil || capabilities.DeploymentSchemaVersion != 4 || capabilities.BatchEncryption || capabilities.DeltaCheckpointUpdates != nil {
		t.Fatalf("%+v, %v", capabilities, err)
	}
	latest, oldest, _, err := s.GetCLIVersionInfo(t.Context(), nil)
	if err != nil || latest.String() != "3.259.0" || oldest.String() != "3.259.0" {
		t.Fatalf("%v, %v, %v", latest, oldest, err)
	}
}

func TestWrongTokenIsRefused(t *testing.T) {
	s := newService(t)
	s.create()
	for _, token := range []string{"", "wrong", testToken + "0"} {
		if _, err := newClient(s.url, token).GetStack(t.Context(), s.stack); err == nil {
			t.Errorf("token %q was accepted", token)
		}
	}
	update, token := s.begin()
	err := s.SaveJournalEntries(t.Context(), update, created(1, 1, "a"), lease(token+"0"))
	wantCode(t, err, http.StatusForbidden, "no longer holds the stack")
	s.wantState(0, 0)
}

func TestStackLifeCycle(t *testing.T) {
	s := newService(t)
	if exists, err := s.DoesProjectExist(t.Context(), Organization, "project"); err != nil || exists {
		t.Fatalf("%v, %v", exists, err)
	}
	if _, err := s.GetStack(t.Context(), s.stack); err == nil {
		t.Fatal("a stack that was never made is there")
	} else {
		wantCode(t, err, http.StatusNotFound, "project/dev")
	}
	s.create()
	if exists, err := s.DoesProjectExist(t.Context(), Organization, "project"); err != nil || !exists {
		t.Fatalf("%v, %v", exists, err)
	}
	_, _, err := s.CreateStack(t.Context(), s.stack, nil, nil, nil, nil)
	wantCode(t, err, http.StatusConflict, "already exists") // words on which the CLI relies
	if err := s.UpdateStackTags(t.Context(), s.stack, map[string]string{"team": "x"}); err != nil {
		t.Fatal(err)
	}
	stack, err := s.GetStack(t.Context(), s.stack)
	if err != nil || stack.Tags["team"] != "x" || len(stack.Tags) != 1 || stack.OrgName != Organization || stack.ActiveUpdate != "" {
		t.Fatalf("%+v, %v", stack, err)
	}
	for filter, want := range map[client.ListStacksFilter]int{
		{}:                             1,
		{Project: pointer("project")}:  1,
		{Project: pointer("other")}:    0,
		{TagName: pointer("team")}:     1,
		{TagName: pointer("nonsense")}: 0,
		{TagName: pointer("team"), TagValue: pointer("y")}: 0,
		{Organization: pointer("elsewhere")}:               0,
	} {
		found, _, err := s.ListStacks(t.Context(), filter, nil)
		if err != nil || len(found) != want {
			t.Errorf("filter %+v found %d stacks (%v), want %d", filter, len(found), err, want)
		}
	}
	if _, err := s.DeleteStack(t.Context(), s.stack, false); err != nil {
		t.Fatal(err)
	}
	_, err = s.GetStack(t.Context(), s.stack)
	wantCode(t, err, http.StatusNotFound, "project/dev")
}

func pointer(s string) *string { return &s }

func TestUpdateWithJournaling(t *testing.T) {
	s := newService(t)
	s.create()
	s.wantState(0, 0)
	update, token := s.begin()
	if stack, err := s.GetStack(t.Context(), s.stack); err != nil || stack.ActiveUpdate != update.UpdateID || stack.Tags["c"] != "d" {
		t.Fatalf("%+v, %v", stack, err)
	}
	if err := s.SaveJournalEntries(t.Context(), update, created(1, 1, "a"), token); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveJournalEntry(t.Context(), update, created(3, 2, "b")[0], token); err != nil {
		t.Fatal(err)
	}
	s.wantState(1, 1)
	renewed, err := s.RenewUpdateLease(t.Context(), update, string(token), 0)
	if err != nil || renewed != string(token) {
		t.Fatalf("%q, %v", renewed, err)
	}
	if err := s.RecordEngineEvents(t.Context(), update, apitype.EngineEventBatch{}, token); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveJournalEntry(t.Context(), update, created(3, 2, "b")[1], token); err != nil {
		t.Fatal(err)
	}
	if err := s.CompleteUpdate(t.Context(), update, apitype.UpdateStatusSucceeded, token); err != nil {
		t.Fatal(err)
	}
	s.wantState(2, 0)
	history, err := s.GetStackUpdates(t.Context(), s.stack, 10, 1)
	if err != nil || len(history) != 1 || history[0].Message != "m" || history[0].Result != apitype.SucceededResult {
		t.Fatalf("%+v, %v", history, err)
	}
	latest, err := s.GetLatestConfiguration(t.Context(), s.stack)
	if err != nil || len(latest.Config) != 1 {
		t.Fatalf("%+v, %v", latest, err)
	}
	hasResources, err := s.DeleteStack(t.Context(), s.stack, false)
	if err == nil || !hasResources {
		t.Fatalf("deleting a stack with resources: %v, %v", hasResources, err)
	}
	if _, err := s.DeleteStack(t.Context(), s.stack, true); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentUpdateIsAConflictUntilCancelled(t *testing.T) {
	s := newService(t)
	s.create()
	first, token := s.begin()
	second := s.announce(apitype.DestroyUpdate, false)
	_, _, _, err := s.StartUpdate(t.Context(), second, nil)
	wantCode(t, err, http.StatusConflict, "another update is currently in progress: update of project/dev, begun at ")
	preview := s.announce(apitype.UpdateUpdate, true)
	if _, _, _, err := s.StartUpdate(t.Context(), preview, nil); err != nil {
		t.Fatalf("a preview beside an update: %v", err)
	}
	if err := s.CancelUpdate(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.StartUpdate(t.Context(), second, nil); err != nil {
		t.Fatal(err)
	}
	err = s.SaveJournalEntries(t.Context(), first, created(1, 1, "a"), token)
	wantCode(t, err, http.StatusForbidden, "no longer holds the stack")
	_, err = s.RenewUpdateLease(t.Context(), first, string(token), 0)
	wantCode(t, err, http.StatusForbidden, "no longer holds the stack")
}

func TestImportReplacesTheState(t *testing.T) {
	s := newService(t)
	s.create()
	state := `{"resources":[{"urn":"urn:pulumi:dev::project::test:index:Thing::a","type":"test:index:Thing","custom":false}]}`
	update, err := s.ImportStackDeployment(t.Context(), s.stack, &apitype.UntypedDeployment{Version: 3, Deployment: []byte(state)})
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.GetUpdateEvents(t.Context(), update, nil)
	if err != nil || results.Status != apitype.StatusSucceeded || results.ContinuationToken != nil {
		t.Fatalf("%+v, %v", results, err)
	}
	s.wantState(1, 0)
	_, err = s.ImportStackDeployment(t.Context(), s.stack, &apitype.UntypedDeployment{Version: 99, Deployment: []byte(state)})
	wantCode(t, err, http.StatusBadRequest, "cannot be read")
	one, two := 1, 2
	if _, err := s.ExportStackDeployment(t.Context(), s.stack, &one); err != nil {
		t.Fatal(err)
	}
	_, err = s.ExportStackDeployment(t.Context(), s.stack, &two)
	wantCode(t, err, http.StatusNotFound, "only the latest, 1, is kept")
}

func TestCheckpointsWithoutJournaling(t *testing.T) {
	t.Setenv("PULUMI_DISABLE_JOURNALING", "true")
	s := newService(t)
	s.create()
	update := s.announce(apitype.UpdateUpdate, false)
	_, token, journal, err := s.StartUpdate(t.Context(), update, nil)
	if err != nil || journal != 0 {
		t.Fatalf("journal version %d, %v", journal, err)
	}
	state := json.RawMessage(`{"resources":[{"urn":"urn:pulumi:dev::project::test:index:Thing::a","type":"test:index:Thing","custom":false}]}`)
	deployment := &apitype.UntypedDeployment{Version: 3, Deployment: state}
	if err := s.PatchUpdateCheckpoint(t.Context(), update, deployment, lease(token)); err != nil {
		t.Fatal(err)
	}
	s.wantState(1, 0)
	whole := json.RawMessage(`{"version":3,"deployment":{}}`)
	if err := s.PatchUpdateCheckpointVerbatim(t.Context(), update, 1, whole, 3, lease(token)); err != nil {
		t.Fatal(err)
	}
	s.wantState(0, 0)
}

func TestWhatIsNotOffered(t *testing.T) {
	s := newService(t)
	s.create()
	_, err := s.EncryptValue(t.Context(), s.stack, []byte("x"))
	wantCode(t, err, http.StatusBadRequest, "--secrets-provider passphrase")
	_, err = s.BatchDecryptValue(t.Context(), s.stack, [][]byte{{1}})
	wantCode(t, err, http.StatusBadRequest, "--secrets-provider passphrase")
	_, err = s.ListOrgWebhooks(t.Context(), Organization)
	wantCode(t, err, http.StatusNotFound, "does not offer it")
	other := s.stack
	other.Owner = "somebody"
	_, err = s.GetStack(t.Context(), other)
	wantCode(t, err, http.StatusNotFound, `only the organization "organization"`)
	update, token := s.begin()
	future := created(1, 1, "a")
	future[0].Version = 2
	wantCode(t, s.SaveJournalEntries(t.Context(), update, future, token), http.StatusBadRequest, "version 2")
	s.wantState(0, 0)
}
