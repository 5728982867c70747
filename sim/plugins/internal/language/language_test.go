package language

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestSplitArguments(t *testing.T) {
	cases := map[string][]string{
		"--import=tsx":                         {"--import=tsx"},
		"  --a  --b ":                          {"--a", "--b"},
		`--require "./with space.js" 'a"b' ""`: {"--require", "./with space.js", `a"b`, ""},
		`a\ b "c\"d"`:                          {"a b", `c"d`},
	}
	for text, want := range cases {
		if split, err := splitArguments(text); err != nil || !reflect.DeepEqual(split, want) {
			t.Errorf("%q = %q, error %v, want %q", text, split, err, want)
		}
	}
	if _, err := splitArguments(`"open`); err == nil {
		t.Error("an open quote is accepted")
	}
}

func runtimeOptions(t *testing.T, options map[string]any) *structpb.Struct {
	t.Helper()
	parsed, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseOptions(t *testing.T) {
	parsed, err := parseOptions(runtimeOptions(t, map[string]any{"typescript": false, "nodeargs": "--import=tsx"}))
	if err != nil || parsed.typeScript || !reflect.DeepEqual(parsed.nodeArgs, []string{"--import=tsx"}) {
		t.Errorf("options = %+v, error %v", parsed, err)
	}
	if parsed, err := parseOptions(nil); err != nil || !parsed.typeScript {
		t.Errorf("defaults = %+v, error %v", parsed, err)
	}
	if _, err := parseOptions(runtimeOptions(t, map[string]any{"typescript": "no"})); err == nil || !strings.Contains(err.Error(), "typescript") {
		t.Errorf("error = %v, want one that names the option", err)
	}
}

func write(t *testing.T, content string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRequiredPackages(t *testing.T) {
	program := t.TempDir()
	write(t, `{"name": "@pulumi/kubernetes", "version": "0.0.0", "pulumi": {"resource": true, "name": "kubernetes", "version": "4.34.2"}}`,
		program, "node_modules/@pulumi/kubernetes/package.json")
	write(t, `{"name": "@pulumi/random", "version": "4.21.2", "pulumi": {"resource": true}}`, program, "node_modules/@pulumi/random/package.json")
	write(t, `{"name": "@pulumi/pulumi", "version": "3.259.0"}`, program, "node_modules/@pulumi/pulumi/package.json")
	write(t, `not a package`, program, "node_modules/.package-lock.json")
	for _, directory := range []string{program, filepath.Join(program, "sub")} {
		packages, err := requiredPackages(directory)
		if err != nil || len(packages) != 2 {
			t.Fatalf("packages = %v, error %v, want 2", packages, err)
		}
		if found := packages[0]; found.Name != "kubernetes" || found.Version != "v4.34.2" || found.Kind != "resource" {
			t.Errorf("package = %v", found)
		}
		if found := packages[1]; found.Name != "random" || found.Version != "v4.21.2" {
			t.Errorf("package = %v", found)
		}
	}
}

// program makes a project whose SDK is a script that shows how it was called.
func program(t *testing.T, script string) *pulumirpc.RunRequest {
	t.Helper()
	directory := t.TempDir()
	write(t, script, directory, "node_modules/@pulumi/pulumi/cmd/run/index.js")
	return &pulumirpc.RunRequest{
		Project: "p", Stack: "dev", Pwd: directory, MonitorAddress: "monitor", Parallel: 4, DryRun: true,
		Config: map[string]string{"p:a": "secret-value"}, ConfigSecretKeys: []string{"p:a"},
		Info: &pulumirpc.ProgramInfo{
			RootDirectory: directory, ProgramDirectory: directory, EntryPoint: ".",
			Options: runtimeOptions(t, map[string]any{"typescript": false, "nodeargs": "--no-warnings"}),
		},
	}
}

func TestRunPassesEverythingToTheSDK(t *testing.T) {
	request := program(t, `require("fs").writeFileSync("call.json", JSON.stringify({
		node: process.execArgv, args: process.argv.slice(2), config: process.env.PULUMI_CONFIG,
		keys: process.env.PULUMI_CONFIG_SECRET_KEYS, typescript: process.env.PULUMI_NODEJS_TYPESCRIPT }))`)
	response, err := NewHost(context.Background(), "engine", "1").Run(context.Background(), request)
	if err != nil || response.Error != "" || response.Bail {
		t.Fatalf("response %v, error %v", response, err)
	}
	content, err := os.ReadFile(filepath.Join(request.Pwd, "call.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{
		`"node":["--no-warnings"]`, `"--monitor","monitor","--engine","engine"`, `"--project","p"`, `"--stack","dev"`,
		`"--parallel","4","--dry-run","."]`, `"config":"{\"p:a\":\"secret-value\"}"`, `"keys":"[\"p:a\"]"`, `"typescript":"false"`,
	} {
		if !strings.Contains(string(content), wanted) {
			t.Errorf("%s is not in %s", wanted, content)
		}
	}
	arguments, _, _ := strings.Cut(string(content), `"config"`)
	if strings.Contains(arguments, "secret-value") {
		t.Errorf("the command line shows the config: %s", arguments)
	}
}

func TestRunEmptyConfig(t *testing.T) {
	request := program(t, `if (process.env.PULUMI_CONFIG !== "{}" || process.env.PULUMI_CONFIG_SECRET_KEYS !== "[]") process.exit(1)`)
	request.Config, request.ConfigSecretKeys = nil, nil
	if response, err := NewHost(context.Background(), "", "1").Run(context.Background(), request); err != nil || response.Error != "" {
		t.Errorf("response %v, error %v", response, err)
	}
}

func TestRunExitCodes(t *testing.T) {
	response, err := NewHost(context.Background(), "", "1").Run(context.Background(), program(t, "process.exit(32)"))
	if err != nil || !response.Bail {
		t.Errorf("32: response %v, error %v, want bail", response, err)
	}
	response, err = NewHost(context.Background(), "", "1").Run(context.Background(), program(t, "process.exit(3)"))
	if err != nil || !strings.Contains(response.Error, "code 3") {
		t.Errorf("3: response %v, error %v, want the code", response, err)
	}
}

func TestCancelStopsTheProgramAndItsChildren(t *testing.T) {
	request := program(t, `require("child_process").spawn("sh", ["-c", "sleep 3; touch survived"], {stdio: "ignore"});
		require("fs").writeFileSync("started", ""); setInterval(() => {}, 1000)`)
	host := NewHost(context.Background(), "", "1")
	go func() {
		for {
			if _, err := os.Stat(filepath.Join(request.Pwd, "started")); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if _, err := host.Cancel(context.Background(), nil); err != nil {
			t.Error(err)
		}
	}()
	if response, err := host.Run(context.Background(), request); err != nil || response.Error == "" {
		t.Errorf("response %v, error %v, want an error", response, err)
	}
	time.Sleep(3500 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(request.Pwd, "survived")); err == nil {
		t.Error("a child of the program lived on")
	}
}

func TestMissingSDKSaysWhatToDo(t *testing.T) {
	request := program(t, "")
	request.Info.ProgramDirectory, request.Info.RootDirectory = t.TempDir(), t.TempDir()
	_, err := NewHost(context.Background(), "", "1").Run(context.Background(), request)
	if err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("error = %v", err)
	}
}
