// Package api speaks the part of the Pulumi Service's HTTP interface that the Pulumi CLI needs for stacks on this
// machine: login, stacks, updates with journaling, history. It does not encrypt: stacks use a secrets provider of
// their own, such as passphrase.
package api

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"inference-stack/sim/backend/internal/store"
)

const (
	// Organization is the only one; the file backend uses the same name.
	Organization = "organization"
	// User is the login that every holder of the token has.
	User = "local"
)

// Server answers the CLI's requests.
type Server struct {
	Store *store.Store
	// Token is what PULUMI_ACCESS_TOKEN must hold.
	Token string
	// EngineVersion is the version of the Pulumi engine that this service is built for, without a leading v.
	EngineVersion string
	Log           *slog.Logger
}

type contextKey struct{}

// ConnContext keeps a request's connection within reach; http.Server calls it.
func ConnContext(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, contextKey{}, connection)
}

type handler func(http.ResponseWriter, *http.Request) error

// stackHandler works on the stack that the path names.
type stackHandler func(http.ResponseWriter, *http.Request, *store.Stack) error

// Handler gives all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	const stack = "/api/stacks/{organization}/{project}/{stack}"
	const update = stack + "/update/{update}"
	for pattern, handle := range map[string]handler{
		"GET /api/user":                       s.user,
		"GET /api/user/organizations/default": s.defaultOrganization,
		"GET /api/user/stacks":                s.listStacks,
		"GET /api/capabilities":               s.capabilities,
		"GET /api/cli/version":                s.cliVersion,

		"HEAD /api/stacks/{organization}/{project}": s.projectExists,
		"POST /api/stacks/{organization}/{project}": s.createStack,
		"GET " + stack:                              s.onStack(getStack),
		"DELETE " + stack:                           s.deleteStack,
		"PATCH " + stack + "/tags":                  s.onStack(setTags),
		"GET " + stack + "/export":                  s.onStack(export),
		"GET " + stack + "/export/{version}":        s.onStack(exportVersion),
		"POST " + stack + "/import":                 s.onStack(importState),
		"GET " + stack + "/updates":                 s.onStack(history),
		"GET " + stack + "/updates/latest":          s.onStack(latestUpdate),
		"GET " + stack + "/updates/latest/previews": s.onStack(latestPreviews),
		"POST " + stack + "/encrypt":                s.noEncryption,
		"POST " + stack + "/decrypt":                s.noEncryption,
		"POST " + stack + "/batch-encrypt":          s.noEncryption,
		"POST " + stack + "/batch-decrypt":          s.noEncryption,
		"POST " + stack + "/decrypt/{notice}":       s.ignore,
		"POST " + stack + "/{kind}":                 s.onStack(s.createUpdate),
		"GET " + update:                             s.onStack(updateStatus),
		"POST " + update:                            s.onStack(startUpdate),
		"POST " + update + "/cancel":                s.onStack(cancelUpdate),
	} {
		mux.Handle(pattern, s.guard(s.hasToken, handle))
	}
	for pattern, handle := range map[string]handler{
		"POST " + update + "/renew_lease":         s.onStack(renewLease),
		"PATCH " + update + "/journalentries":     s.onStack(appendJournal),
		"PATCH " + update + "/checkpoint":         s.onStack(saveCheckpoint),
		"PATCH " + update + "/checkpointverbatim": s.onStack(saveVerbatimCheckpoint),
		"POST " + update + "/events/batch":        s.onStack(dropEvents),
		"POST " + update + "/complete":            s.onStack(completeUpdate),
	} {
		mux.Handle(pattern, s.guard(hasLease, handle))
	}
	mux.Handle("/", s.guard(s.hasToken, s.unknown))
	return mux
}

// guard checks authorization and turns errors into the CLI's form.
func (s *Server) guard(authorized func(*http.Request) bool, handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error = &httpError{
			Code: http.StatusUnauthorized,
			Message: "PULUMI_ACCESS_TOKEN does not hold this state service's token; " +
				"the service writes it to the file named by --token-file",
		}
		if authorized(r) {
			err = handle(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (s *Server) hasToken(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "token ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) == 1
}

// hasLease only looks for the form: whether the lease still holds is the store's to say.
func hasLease(r *http.Request) bool {
	return leaseToken(r) != ""
}

func leaseToken(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "update-token ")
	if !ok {
		return ""
	}
	return token
}

// onStack finds the stack that the path names before it lets the handler work.
func (s *Server) onStack(handle stackHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := checkOrganization(r); err != nil {
			return err
		}
		stack, err := s.Store.Stack(stackID(r))
		if err != nil {
			return err
		}
		return handle(w, r, stack)
	}
}

func stackID(r *http.Request) store.ID {
	return store.ID{Project: r.PathValue("project"), Name: r.PathValue("stack")}
}

func checkOrganization(r *http.Request) error {
	if name := r.PathValue("organization"); name != Organization {
		return notFound("organization %q: this state service has only the organization %q", name, Organization)
	}
	return nil
}
