package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func ask(t *testing.T, server *nameServer, name string, kind dnsmessage.Type) dnsmessage.Message {
	t.Helper()
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(server.answer(packed, "10.0.0.2:5353")); err != nil {
		t.Fatal(err)
	}
	if reply.ID != 7 || !reply.Response {
		t.Errorf("the reply to %s is not one: %+v", name, reply.Header)
	}
	return reply
}

func TestNames(t *testing.T) {
	directory := t.TempDir()
	log, err := openRequestLog(filepath.Join(directory, "log"))
	if err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(directory, "settings.json")
	changes := `{"records": {"api.example.test": "10.0.0.50"}, "unknownNames": ["quay.io"]}`
	if err := os.WriteFile(settings, []byte(changes), 0o644); err != nil {
		t.Fatal(err)
	}
	server := &nameServer{
		address: net.ParseIP("10.0.0.1"), known: []string{"registry.k8s.io", "quay.io", ".example.test"},
		settings: &settingsFile{path: settings}, log: log,
	}
	for name, want := range map[string]string{
		"registry.k8s.io.":      "10.0.0.1",
		"Registry.K8s.IO.":      "10.0.0.1",
		"mirror.example.test.":  "10.0.0.1",
		"api.example.test.":     "10.0.0.50",
		"quay.io.":              "",
		"other.org.":            "",
		"_https._tcp.quay.io.":  "",
		"_x.example.test.":      "",
		"notregistry.k8s.io.":   "",
		"a.registry.k8s.io.":    "",
		"registry.k8s.io.corp.": "",
	} {
		reply := ask(t, server, name, dnsmessage.TypeA)
		switch {
		case want == "" && reply.RCode != dnsmessage.RCodeNameError:
			t.Errorf("%s: %s, expected that it does not exist", name, reply.RCode)
		case want != "" && (len(reply.Answers) != 1 ||
			net.IP(reply.Answers[0].Body.(*dnsmessage.AResource).A[:]).String() != want):
			t.Errorf("%s: %+v, expected %s", name, reply.Answers, want)
		}
	}
	// A name that has an IPv4 address alone exists: clients that ask for both must not take it for missing.
	if reply := ask(t, server, "registry.k8s.io.", dnsmessage.TypeAAAA); reply.RCode != 0 || len(reply.Answers) != 0 {
		t.Errorf("AAAA: %+v", reply)
	}
}

func TestNameServerIgnoresWhatIsNoQuestion(t *testing.T) {
	if answer := (&nameServer{}).answer([]byte("nonsense"), "10.0.0.2:5353"); answer != nil {
		t.Errorf("answered %q", answer)
	}
}
