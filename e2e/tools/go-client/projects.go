package main

import (
	"errors"
	"strconv"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/member"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project_metadata"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

var projectSteps = []step{
	{"project: create", func(s *session) error {
		s.project = "strict-" + s.suffix
		request := &models.ProjectReq{
			ProjectName:  s.project,
			Metadata:     &models.ProjectMetadata{Public: "false", AutoScan: pointer("false")},
			StorageLimit: pointer(int64(10_000_000_000)),
		}
		made, err := s.Project.CreateProject(background(), project.NewCreateProjectParams().WithProject(request))
		if err != nil {
			return err
		}
		s.projectID, err = idIn(made.Location)
		return err
	}},
	{"project: create again is a conflict", func(s *session) error {
		request := &models.ProjectReq{ProjectName: s.project}
		_, err := s.Project.CreateProject(background(), project.NewCreateProjectParams().WithProject(request))
		return refused(err, 409)
	}},
	{"project: get by name and by id", func(s *session) error {
		for _, ref := range []string{s.project, strconv.FormatInt(s.projectID, 10)} {
			got, err := s.Project.GetProject(background(), project.NewGetProjectParams().WithProjectNameOrID(ref))
			if err != nil {
				return err
			}
			if err := first(
				fits(s, got.Payload),
				want("the name", got.Payload.Name, s.project),
				want("the id", int64(got.Payload.ProjectID), s.projectID),
				want("the owner", got.Payload.OwnerName, "admin"),
				want("public", got.Payload.Metadata.Public, "false"),
			); err != nil {
				return err
			}
		}
		return nil
	}},
	{"project: a name that is all digits is told by its header", func(s *session) error {
		params := project.NewGetProjectParams().WithProjectNameOrID("999999").WithXIsResourceName(pointer(true))
		_, err := s.Project.GetProject(background(), params)
		return refused(err, 404)
	}},
	{"project: list, filtered and sorted", func(s *session) error {
		params := project.NewListProjectsParams().WithName(&s.project).WithWithDetail(pointer(true)).WithSort(pointer("-name"))
		list, err := s.Project.ListProjects(background(), params)
		if err != nil {
			return err
		}
		return first(fits(s, list.Payload), want("the total", list.XTotalCount, 1), want("the length", len(list.Payload), 1))
	}},
	{"project: is there, is not there", func(s *session) error {
		if _, err := s.Project.HeadProject(background(), project.NewHeadProjectParams().WithProjectName(s.project)); err != nil {
			return err
		}
		_, err := s.Project.HeadProject(background(), project.NewHeadProjectParams().WithProjectName("no-such-project"))
		return refused(err, 404)
	}},
	{"project: update", func(s *session) error {
		request := &models.ProjectReq{Metadata: &models.ProjectMetadata{Public: "true", Severity: pointer("high")}}
		params := project.NewUpdateProjectParams().WithProjectNameOrID(s.project).WithProject(request)
		if _, err := s.Project.UpdateProject(background(), params); err != nil {
			return err
		}
		got, err := s.Project.GetProject(background(), project.NewGetProjectParams().WithProjectNameOrID(s.project))
		if err != nil {
			return err
		}
		return first(want("public", got.Payload.Metadata.Public, "true"), want("severity", *got.Payload.Metadata.Severity, "high"))
	}},
	{"project: one policy by itself", func(s *session) error {
		change := project_metadata.NewUpdateProjectMetadataParams().WithProjectNameOrID(s.project).WithMetaName("public")
		if _, err := s.ProjectMetadata.UpdateProjectMetadata(background(), change.WithMetadata(map[string]string{"public": "false"})); err != nil {
			return err
		}
		read := project_metadata.NewGetProjectMetadataParams().WithProjectNameOrID(s.project).WithMetaName("public")
		got, err := s.ProjectMetadata.GetProjectMetadata(background(), read)
		if err != nil {
			return err
		}
		return want("public", got.Payload["public"], "false")
	}},
	{"project: summary and whether it can be deleted", func(s *session) error {
		summary, err := s.Project.GetProjectSummary(background(), project.NewGetProjectSummaryParams().WithProjectNameOrID(s.project))
		if err != nil {
			return err
		}
		if err := first(fits(s, summary.Payload), want("its administrators", summary.Payload.ProjectAdminCount, 1)); err != nil {
			return err
		}
		can, err := s.Project.GetProjectDeletable(background(), project.NewGetProjectDeletableParams().WithProjectNameOrID(s.project))
		if err != nil {
			return err
		}
		return first(fits(s, can.Payload), want("deletable", can.Payload.Deletable, true))
	}},
	{"project: who did what in it", func(s *session) error {
		logs, err := s.Project.GetLogExts(background(), project.NewGetLogExtsParams().WithProjectName(s.project))
		if err != nil {
			return err
		}
		if err := fits(s, logs.Payload); err != nil {
			return err
		}
		old, err := s.Project.GetLogs(background(), project.NewGetLogsParams().WithProjectName(s.project))
		if err != nil {
			return err
		}
		if len(logs.Payload) == 0 || len(old.Payload) == 0 {
			return errors.New("nothing is told of a project that was made and changed")
		}
		return fits(s, old.Payload)
	}},
	{"project: delete", func(s *session) error {
		name := "brief-" + s.suffix
		request := &models.ProjectReq{ProjectName: name}
		if _, err := s.Project.CreateProject(background(), project.NewCreateProjectParams().WithProject(request)); err != nil {
			return err
		}
		if _, err := s.Project.DeleteProject(background(), project.NewDeleteProjectParams().WithProjectNameOrID(name)); err != nil {
			return err
		}
		_, err := s.Project.GetProject(background(), project.NewGetProjectParams().WithProjectNameOrID(name))
		return refused(err, 404)
	}},
}

var memberSteps = []step{
	{"member: add, read, change, list, remove", func(s *session) error {
		name := "member-" + s.suffix
		request := &models.UserCreationReq{Username: name, Password: password, Email: name + "@example.org", Realname: name}
		if _, err := s.User.CreateUser(background(), user.NewCreateUserParams().WithUserReq(request)); err != nil {
			return err
		}
		body := &models.ProjectMember{RoleID: 3, MemberUser: &models.UserEntity{Username: name}}
		made, err := s.Member.CreateProjectMember(background(), member.NewCreateProjectMemberParams().WithProjectNameOrID(s.project).WithProjectMember(body))
		if err != nil {
			return err
		}
		id, err := idIn(made.Location)
		if err != nil {
			return err
		}
		got, err := s.Member.GetProjectMember(background(), member.NewGetProjectMemberParams().WithProjectNameOrID(s.project).WithMid(id))
		if err != nil {
			return err
		}
		if err := first(
			fits(s, got.Payload),
			want("the role", got.Payload.RoleName, "guest"),
			want("the kind", got.Payload.EntityType, "u"),
			want("the name", got.Payload.EntityName, name),
			want("the project", got.Payload.ProjectID, s.projectID),
		); err != nil {
			return err
		}
		change := member.NewUpdateProjectMemberParams().WithProjectNameOrID(s.project).WithMid(id).WithRole(&models.RoleRequest{RoleID: 4})
		if _, err := s.Member.UpdateProjectMember(background(), change); err != nil {
			return err
		}
		list, err := s.Member.ListProjectMembers(background(), member.NewListProjectMembersParams().WithProjectNameOrID(s.project).WithEntityname(&name))
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("the total", list.XTotalCount, 1), want("the role", list.Payload[0].RoleID, 4)); err != nil {
			return err
		}
		_, err = s.Member.DeleteProjectMember(background(), member.NewDeleteProjectMemberParams().WithProjectNameOrID(s.project).WithMid(id))
		return err
	}},
	{"member: twice is a conflict", func(s *session) error {
		body := &models.ProjectMember{RoleID: 1, MemberUser: &models.UserEntity{UserID: 1}}
		_, err := s.Member.CreateProjectMember(background(), member.NewCreateProjectMemberParams().WithProjectNameOrID(s.project).WithProjectMember(body))
		return refused(err, 409)
	}},
}
