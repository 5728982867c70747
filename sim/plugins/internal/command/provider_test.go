package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"inference-stack/sim/plugins/internal/host"
	"inference-stack/sim/plugins/internal/properties"
)

const password = "correct horse battery"

func urnOf(token string) string { return "urn:pulumi:dev::p::" + token + "::x" }

func create(t *testing.T, token string, inputs resource.PropertyMap, timeout float64) (resource.PropertyMap, error) {
	t.Helper()
	marshalled, err := host.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	created, err := NewProvider(context.Background()).Create(context.Background(), &pulumirpc.CreateRequest{
		Urn: urnOf(token), Properties: marshalled, Timeout: timeout,
	})
	if err != nil {
		return nil, err
	}
	outputs, err := host.Unmarshal(created.Properties)
	if err != nil {
		t.Fatal(err)
	}
	return outputs, nil
}

func plain(inputs map[string]any) resource.PropertyMap { return properties.FromPlainMap(inputs) }

func TestLocalCommand(t *testing.T) {
	directory := t.TempDir()
	outputs, err := create(t, localToken, plain(map[string]any{
		"create": "pwd; cat; echo $NAME; echo problem >&2; echo", "stdin": "from stdin\n", "dir": directory,
		"environment": map[string]any{"NAME": "value"},
	}), 0)
	if err != nil {
		t.Fatal(err)
	}
	if stdout := properties.String(outputs, "stdout"); stdout != directory+"\nfrom stdin\nvalue\n" {
		t.Errorf("stdout = %q", stdout)
	}
	if stderr := properties.String(outputs, "stderr"); stderr != "problem" || outputs["stdout"].IsSecret() {
		t.Errorf("stderr = %q, stdout secret: %v", stderr, outputs["stdout"].IsSecret())
	}
}

func TestLocalInterpreter(t *testing.T) {
	outputs, err := create(t, localToken, plain(map[string]any{
		"create": "console.log(6 * 7)", "interpreter": []any{"node", "-e"},
	}), 0)
	if err != nil || properties.String(outputs, "stdout") != "42" {
		t.Errorf("outputs = %v, error %v", outputs, err)
	}
}

func TestFailureShowsCommandAndOutputButNoSecret(t *testing.T) {
	inputs := plain(map[string]any{"create": "cat; echo broken >&2; exit 3"})
	inputs["stdin"] = resource.MakeSecret(resource.NewStringProperty(password))
	_, err := create(t, localToken, inputs, 0)
	if err == nil {
		t.Fatal("the failure was lost")
	}
	for _, words := range []string{"exit status 3", "cat; echo broken", "broken"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in %q", words, err)
		}
	}
	if strings.Contains(err.Error(), password) {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestOutputOfSecretInputIsSecret(t *testing.T) {
	inputs := plain(map[string]any{"create": "cat"})
	inputs["stdin"] = resource.MakeSecret(resource.NewStringProperty(password))
	outputs, err := create(t, localToken, inputs, 0)
	if err != nil || !outputs["stdout"].IsSecret() || properties.String(outputs, "stdout") != password {
		t.Errorf("outputs = %v, error %v", outputs, err)
	}
}

func TestTimeoutEndsTheCommandAndItsChildren(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "survived")
	started := time.Now()
	_, err := create(t, localToken, plain(map[string]any{"create": "(sleep 2; touch " + marker + ") & sleep 60"}), 0.3)
	if err == nil || !strings.Contains(err.Error(), "customTimeouts") {
		t.Errorf("error = %v, want one that names customTimeouts", err)
	}
	if time.Since(started) > 10*time.Second {
		t.Error("the command was not stopped")
	}
	time.Sleep(2200 * time.Millisecond)
	if _, err := os.Stat(marker); err == nil {
		t.Error("a child of the command lived on")
	}
}

func TestUpdateRunsCreateWithoutAnUpdateCommand(t *testing.T) {
	provider := NewProvider(context.Background())
	update := func(inputs map[string]any) string {
		news, err := host.Marshal(plain(inputs))
		if err != nil {
			t.Fatal(err)
		}
		olds, err := host.Marshal(plain(map[string]any{"stdout": "before"}))
		if err != nil {
			t.Fatal(err)
		}
		response, err := provider.Update(context.Background(), &pulumirpc.UpdateRequest{Urn: urnOf(localToken), News: news, Olds: olds})
		if err != nil {
			t.Fatal(err)
		}
		outputs, err := host.Unmarshal(response.Properties)
		if err != nil {
			t.Fatal(err)
		}
		return properties.String(outputs, "stdout")
	}
	cases := []struct {
		inputs map[string]any
		want   string
	}{
		{map[string]any{"create": "echo created"}, "created"},
		{map[string]any{"create": "echo created", "update": "echo updated after $PULUMI_COMMAND_STDOUT"}, "updated after before"},
		{map[string]any{"create": "echo -$PULUMI_COMMAND_STDOUT-", "addPreviousOutputInEnv": false}, "--"},
		{map[string]any{"delete": "true"}, "before"},
	}
	for _, test := range cases {
		if stdout := update(test.inputs); stdout != test.want {
			t.Errorf("%v: stdout = %q, want %q", test.inputs, stdout, test.want)
		}
	}
}

func TestDelete(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "deleted")
	olds, err := host.Marshal(plain(map[string]any{"delete": "printf %s $PULUMI_COMMAND_STDOUT > " + marker, "stdout": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	request := &pulumirpc.DeleteRequest{Urn: urnOf(localToken), Properties: olds}
	if _, err := NewProvider(context.Background()).Delete(context.Background(), request); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(marker); err != nil || string(content) != "x" {
		t.Errorf("content = %q, error %v", content, err)
	}
}

func TestDiff(t *testing.T) {
	diff := func(olds, news map[string]any) *pulumirpc.DiffResponse {
		before, err := host.Marshal(plain(olds))
		if err != nil {
			t.Fatal(err)
		}
		after, err := host.Marshal(plain(news))
		if err != nil {
			t.Fatal(err)
		}
		response, err := NewProvider(context.Background()).Diff(context.Background(), &pulumirpc.DiffRequest{OldInputs: before, News: after})
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	base := map[string]any{"create": "a", "triggers": []any{"1"}}
	if response := diff(base, base); response.Changes != pulumirpc.DiffResponse_DIFF_NONE {
		t.Errorf("equal inputs: %v", response)
	}
	if response := diff(base, map[string]any{"create": "b", "triggers": []any{"1"}}); len(response.Replaces) != 0 || len(response.Diffs) != 1 {
		t.Errorf("another command: %v", response)
	}
	if response := diff(base, map[string]any{"create": "a", "triggers": []any{"2"}}); len(response.Replaces) != 1 {
		t.Errorf("another trigger: %v", response)
	}
}

func TestPreviewRunsNothing(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	inputs, err := host.Marshal(plain(map[string]any{"create": "touch " + marker}))
	if err != nil {
		t.Fatal(err)
	}
	created, err := NewProvider(context.Background()).Create(context.Background(), &pulumirpc.CreateRequest{
		Urn: urnOf(localToken), Properties: inputs, Preview: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := host.Unmarshal(created.Properties)
	if _, statErr := os.Stat(marker); err != nil || statErr == nil || !outputs["stdout"].IsComputed() {
		t.Errorf("outputs = %v, error %v, ran: %v", outputs, err, statErr == nil)
	}
}

func TestRemote(t *testing.T) {
	server := startSSHServer(t, password)
	connection := func(secret string) resource.PropertyValue {
		arguments := plain(map[string]any{
			"host": "127.0.0.1", "port": int64(server.port), "user": "me", "hostKey": server.hostKey, "dialErrorLimit": int64(1),
		})
		arguments["password"] = resource.MakeSecret(resource.NewStringProperty(secret))
		return resource.MakeSecret(resource.NewObjectProperty(arguments))
	}
	t.Run("a command", func(t *testing.T) {
		outputs, err := create(t, remoteToken, resource.PropertyMap{
			"connection": connection(password), "create": resource.NewStringProperty("cat; echo bad >&2"),
			"stdin": resource.NewStringProperty("sent"),
		}, 0)
		if err != nil || properties.String(outputs, "stdout") != "sent" || properties.String(outputs, "stderr") != "bad" {
			t.Errorf("outputs = %v, error %v", outputs, err)
		}
		if outputs["stdout"].IsSecret() || !outputs["connection"].IsSecret() {
			t.Error("the output must be open and the connection secret")
		}
	})
	t.Run("a failing command", func(t *testing.T) {
		_, err := create(t, remoteToken, resource.PropertyMap{
			"connection": connection(password), "create": resource.NewStringProperty("echo why; exit 7"),
		}, 0)
		if err == nil || !strings.Contains(err.Error(), "status 7") || !strings.Contains(err.Error(), "why") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("a wrong password", func(t *testing.T) {
		_, err := create(t, remoteToken, resource.PropertyMap{
			"connection": connection("wrong-password"), "create": resource.NewStringProperty("true"),
		}, 0)
		if err == nil || strings.Contains(err.Error(), "wrong-password") || !strings.Contains(err.Error(), "dialErrorLimit") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		source, destination := filepath.Join(t.TempDir(), "a.txt"), t.TempDir()
		if err := os.WriteFile(source, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := asset.FromPath(source)
		if err != nil {
			t.Fatal(err)
		}
		_, err = create(t, copyToken, resource.PropertyMap{
			"connection": connection(password), "source": resource.NewAssetProperty(file),
			"remotePath": resource.NewStringProperty(destination),
		}, 0)
		copied, readErr := os.ReadFile(filepath.Join(destination, "a.txt"))
		if err != nil || readErr != nil || string(copied) != "content" {
			t.Errorf("copied %q, errors %v, %v", copied, err, readErr)
		}
	})
}
