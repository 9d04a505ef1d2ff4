package main

import (
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/member"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/usergroup"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// roleOf gives a group a role in the project, takes it away again and deletes the group.
func roleOf(s *session, group int64) error {
	body := &models.ProjectMember{RoleID: 2, MemberGroup: &models.UserGroup{ID: group}}
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
	if err := first(fits(s, got.Payload), want("the kind", got.Payload.EntityType, "g"), want("the group", got.Payload.EntityID, group)); err != nil {
		return err
	}
	if _, err := s.Member.DeleteProjectMember(background(), member.NewDeleteProjectMemberParams().WithProjectNameOrID(s.project).WithMid(id)); err != nil {
		return err
	}
	_, err = s.Usergroup.DeleteUserGroup(background(), usergroup.NewDeleteUserGroupParams().WithGroupID(group))
	return err
}
