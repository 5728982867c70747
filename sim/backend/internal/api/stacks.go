package api

import (
	"net/http"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"inference-stack/sim/backend/internal/store"
)

func (s *Server) listStacks(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	found := []apitype.StackSummary{}
	for _, stack := range s.Store.List() {
		summary := stack.Summary()
		if project := query.Get("project"); project != "" && project != summary.ProjectName {
			continue
		}
		if organization := query.Get("organization"); organization != "" && organization != Organization {
			continue
		}
		if name := query.Get("tagName"); name != "" {
			value, ok := stack.Tag(name)
			if !ok || (query.Has("tagValue") && query.Get("tagValue") != value) {
				continue
			}
		}
		summary.OrgName = Organization
		found = append(found, summary)
	}
	return reply(w, apitype.ListStacksResponse{Stacks: found})
}

func (s *Server) projectExists(w http.ResponseWriter, r *http.Request) error {
	if err := checkOrganization(r); err != nil {
		return err
	}
	for _, stack := range s.Store.List() {
		if stack.Summary().ProjectName == r.PathValue("project") {
			w.WriteHeader(http.StatusOK)
			return nil
		}
	}
	return notFound("project %s", r.PathValue("project"))
}

func (s *Server) createStack(w http.ResponseWriter, r *http.Request) error {
	if err := checkOrganization(r); err != nil {
		return err
	}
	var request apitype.CreateStackRequest
	if err := decode(w, r, &request); err != nil {
		return err
	}
	id := store.ID{Project: r.PathValue("project"), Name: request.StackName}
	if _, err := s.Store.Create(id, request); err != nil {
		return err
	}
	return reply(w, apitype.CreateStackResponse{})
}

func getStack(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	description, err := stack.Describe()
	if err != nil {
		return err
	}
	description.OrgName = Organization
	if description.CurrentOperation != nil {
		description.CurrentOperation.Author = User
	}
	return reply(w, description)
}

func (s *Server) deleteStack(w http.ResponseWriter, r *http.Request) error {
	if err := checkOrganization(r); err != nil {
		return err
	}
	force, err := strconv.ParseBool(r.URL.Query().Get("force"))
	if err != nil && r.URL.Query().Has("force") {
		return badRequest("force=%s is neither true nor false", r.URL.Query().Get("force"))
	}
	return done(w, s.Store.Delete(stackID(r), force))
}

func setTags(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	tags := map[string]string{}
	if err := decode(w, r, &tags); err != nil {
		return err
	}
	return done(w, stack.SetTags(tags))
}

func export(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	deployment, err := stack.Export()
	if err != nil {
		return err
	}
	return reply(w, deployment)
}

func exportVersion(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	description, err := stack.Describe()
	if err != nil {
		return err
	}
	if r.PathValue("version") != strconv.Itoa(description.Version) {
		return notFound("version %s of the state: only the latest, %d, is kept",
			r.PathValue("version"), description.Version)
	}
	return export(w, r, stack)
}

func importState(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	var deployment apitype.UntypedDeployment
	if err := decode(w, r, &deployment); err != nil {
		return err
	}
	id, err := stack.Import(deployment)
	if err != nil {
		return err
	}
	return reply(w, apitype.ImportStackResponse{UpdateID: id})
}

func history(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	updates := stack.History()
	query := r.URL.Query()
	if query.Has("pageSize") {
		size, sizeErr := strconv.Atoi(query.Get("pageSize"))
		page, pageErr := strconv.Atoi(query.Get("page"))
		if sizeErr != nil || pageErr != nil || size < 1 || page < 1 {
			return badRequest("pageSize=%s and page=%s must be numbers from 1 on",
				query.Get("pageSize"), query.Get("page"))
		}
		first := min(len(updates), (page-1)*size)
		updates = updates[first:min(len(updates), first+size)]
	}
	return reply(w, apitype.GetHistoryResponse{Updates: updates})
}

func latestUpdate(w http.ResponseWriter, r *http.Request, stack *store.Stack) error {
	for _, update := range stack.History() {
		if update.Kind != apitype.StackImportUpdate {
			return reply(w, map[string]apitype.UpdateInfo{"info": update})
		}
	}
	return notFound("an update of stack %s", r.PathValue("stack"))
}

// latestPreviews has none to show: previews are not kept.
func latestPreviews(w http.ResponseWriter, _ *http.Request, _ *store.Stack) error {
	return reply(w, apitype.GetLatestStackPreviewsResponse{Updates: []apitype.StackPreview{}})
}
