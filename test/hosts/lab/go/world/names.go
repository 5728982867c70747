package main

import (
	"errors"
	"net"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Answers the names that hosts may ask for, and says at once that no other name exists: apt waits for ten seconds
// for each SRV look-up that nobody answers.
type nameServer struct {
	address  net.IP
	known    []string
	settings *settingsFile
	log      *requestLog
}

func (s *nameServer) serve(connection net.PacketConn) error {
	buffer := make([]byte, 4096)
	for {
		n, client, err := connection.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			continue
		}
		if answer := s.answer(buffer[:n], client.String()); answer != nil {
			_, _ = connection.WriteTo(answer, client)
		}
	}
}

func (s *nameServer) answer(question []byte, client string) []byte {
	var query dnsmessage.Message
	if query.Unpack(question) != nil || len(query.Questions) != 1 {
		return nil
	}
	asked := query.Questions[0]
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: query.ID, Response: true, RecursionDesired: query.RecursionDesired, RecursionAvailable: true,
		},
		Questions: query.Questions,
	}
	name := strings.ToLower(strings.TrimSuffix(asked.Name.String(), "."))
	address := s.resolve(name)
	switch {
	case address == nil:
		reply.RCode = dnsmessage.RCodeNameError
	case asked.Type == dnsmessage.TypeA:
		header := dnsmessage.ResourceHeader{Name: asked.Name, Type: asked.Type, Class: asked.Class, TTL: 1}
		body := &dnsmessage.AResource{A: [4]byte(address)}
		reply.Answers = []dnsmessage.Resource{{Header: header, Body: body}}
	}
	s.log.add(logLine{
		Client: client, Scheme: "dns", Method: strings.TrimPrefix(asked.Type.String(), "Type"), Host: name,
		Status: int(reply.RCode),
	})
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// The four bytes of a name's address, or nil.
func (s *nameServer) resolve(name string) net.IP {
	settings, err := s.settings.read()
	if err != nil || slices.Contains(settings.UnknownNames, name) {
		return nil
	}
	if record, found := settings.Records[name]; found {
		return net.ParseIP(record).To4()
	}
	matches := func(known string) bool {
		return name == known || strings.HasPrefix(known, ".") && strings.HasSuffix(name, known)
	}
	if strings.HasPrefix(name, "_") || !slices.ContainsFunc(s.known, matches) {
		return nil
	}
	return s.address.To4()
}
