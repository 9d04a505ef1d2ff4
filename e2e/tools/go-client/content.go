package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/artifact"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/label"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// A slash in the name of a repository is encoded twice; the client itself encodes once.
func pushed() (project, name, tag string) {
	return os.Getenv("HARBOR_PROJECT"), url.PathEscape(os.Getenv("HARBOR_REPOSITORY")), os.Getenv("HARBOR_TAG")
}

var contentSteps = []step{
	{"content: repositories listed, read, described", func(s *session) error {
		project, name, _ := pushed()
		list, err := s.Repository.ListRepositories(background(), repository.NewListRepositoriesParams().WithProjectName(project))
		if err != nil {
			return err
		}
		if err := fits(s, list.Payload); err != nil {
			return err
		}
		described := &models.Repository{Description: "of the strict client"}
		change := repository.NewUpdateRepositoryParams().WithProjectName(project).WithRepositoryName(name).WithRepository(described)
		if _, err := s.Repository.UpdateRepository(background(), change); err != nil {
			return err
		}
		got, err := s.Repository.GetRepository(background(), repository.NewGetRepositoryParams().WithProjectName(project).WithRepositoryName(name))
		if err != nil {
			return err
		}
		return first(
			fits(s, got.Payload),
			want("the name", got.Payload.Name, project+"/"+os.Getenv("HARBOR_REPOSITORY")),
			want("the description", got.Payload.Description, "of the strict client"),
		)
	}},
	{"content: artifacts listed with everything, read, labelled", func(s *session) error {
		project, name, tag := pushed()
		got, err := s.Artifact.GetArtifact(background(), artifact.NewGetArtifactParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag))
		if err != nil {
			return err
		}
		if err := first(fits(s, got.Payload), want("the type", got.Payload.Type, "IMAGE"), want("the tag", got.Payload.Tags[0].Name, tag)); err != nil {
			return err
		}
		request := &models.Label{Name: "content-" + s.suffix, Scope: "g"}
		made, err := s.Label.CreateLabel(background(), label.NewCreateLabelParams().WithLabel(request))
		if err != nil {
			return err
		}
		id, err := idIn(made.Location)
		if err != nil {
			return err
		}
		put := artifact.NewAddLabelParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag).WithLabel(&models.Label{ID: id})
		if _, err := s.Artifact.AddLabel(background(), put); err != nil {
			return err
		}
		yes := pointer(true)
		params := artifact.NewListArtifactsParams().WithProjectName(project).WithRepositoryName(name).WithWithLabel(yes).WithWithAccessory(yes).
			WithWithImmutableStatus(yes).WithWithScanOverview(yes).WithWithTag(yes).WithQ(pointer("tags=*"))
		list, err := s.Artifact.ListArtifacts(background(), params)
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("the total", list.XTotalCount, 1), want("the label", list.Payload[0].Labels[0].Name, request.Name)); err != nil {
			return err
		}
		off := artifact.NewRemoveLabelParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag).WithLabelID(id)
		if _, err := s.Artifact.RemoveLabel(background(), off); err != nil {
			return err
		}
		_, err = s.Label.DeleteLabel(background(), label.NewDeleteLabelParams().WithLabelID(id))
		return err
	}},
	{"content: a tag more, the build history, a copy, and gone again", func(s *session) error {
		project, name, tag := pushed()
		more := artifact.NewCreateTagParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag).WithTag(&models.Tag{Name: "more"})
		if _, err := s.Artifact.CreateTag(background(), more); err != nil {
			return err
		}
		tags, err := s.Artifact.ListTags(background(), artifact.NewListTagsParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag))
		if err != nil {
			return err
		}
		if err := first(fits(s, tags.Payload), want("its tags", len(tags.Payload), 2)); err != nil {
			return err
		}
		if _, err := s.Artifact.DeleteTag(background(), artifact.NewDeleteTagParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag).WithTagName("more")); err != nil {
			return err
		}
		// The client wants a string where Harbor, too, answers JSON; so what came is looked at as it is.
		_, _ = s.Artifact.GetAddition(background(), artifact.NewGetAdditionParams().WithProjectName(project).WithRepositoryName(name).WithReference(tag).WithAddition("build_history"))
		if s.last.status != 200 || !strings.HasPrefix(string(s.last.body), "[") {
			return fmt.Errorf("the build history is %d %.100s", s.last.status, s.last.body)
		}
		from := fmt.Sprintf("%s/%s:%s", project, os.Getenv("HARBOR_REPOSITORY"), tag)
		if _, err := s.Artifact.CopyArtifact(background(), artifact.NewCopyArtifactParams().WithProjectName(s.project).WithRepositoryName("copied").WithFrom(from)); err != nil {
			return err
		}
		if _, err := s.Artifact.DeleteArtifact(background(), artifact.NewDeleteArtifactParams().WithProjectName(s.project).WithRepositoryName("copied").WithReference(tag)); err != nil {
			return err
		}
		if _, err := s.Repository.DeleteRepository(background(), repository.NewDeleteRepositoryParams().WithProjectName(s.project).WithRepositoryName("copied")); err != nil {
			return err
		}
		_, err = s.Repository.GetRepository(background(), repository.NewGetRepositoryParams().WithProjectName(s.project).WithRepositoryName("copied"))
		return refused(err, 404)
	}},
}
