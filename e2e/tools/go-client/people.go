package main

import (
	"fmt"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/usergroup"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

var userSteps = []step{
	{"user: create", func(s *session) error {
		s.user = "strict-" + s.suffix
		request := &models.UserCreationReq{Username: s.user, Password: password, Email: s.user + "@example.org", Realname: "Strict", Comment: "one"}
		made, err := s.User.CreateUser(background(), user.NewCreateUserParams().WithUserReq(request))
		if err != nil {
			return err
		}
		s.userID, err = idIn(made.Location)
		return err
	}},
	{"user: create again is a conflict", func(s *session) error {
		request := &models.UserCreationReq{Username: s.user, Password: password, Email: "other@example.org", Realname: "Strict"}
		_, err := s.User.CreateUser(background(), user.NewCreateUserParams().WithUserReq(request))
		return refused(err, 409)
	}},
	{"user: read, list, search", func(s *session) error {
		got, err := s.User.GetUser(background(), user.NewGetUserParams().WithUserID(s.userID))
		if err != nil {
			return err
		}
		if err := first(fits(s, got.Payload), want("the name", got.Payload.Username, s.user), want("an administrator", got.Payload.SysadminFlag, false)); err != nil {
			return err
		}
		query := "username=~" + s.user
		list, err := s.User.ListUsers(background(), user.NewListUsersParams().WithQ(&query))
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("the total", list.XTotalCount, 1)); err != nil {
			return err
		}
		found, err := s.User.SearchUsers(background(), user.NewSearchUsersParams().WithUsername(s.user))
		if err != nil {
			return err
		}
		return first(fits(s, found.Payload), want("those found", len(found.Payload), 1))
	}},
	{"user: change the profile, the password and the flag", func(s *session) error {
		profile := &models.UserProfile{Email: "new-" + s.user + "@example.org", Realname: "Stricter", Comment: "two"}
		if _, err := s.User.UpdateUserProfile(background(), user.NewUpdateUserProfileParams().WithUserID(s.userID).WithProfile(profile)); err != nil {
			return err
		}
		change := &models.PasswordReq{NewPassword: password + "x"}
		if _, err := s.User.UpdateUserPassword(background(), user.NewUpdateUserPasswordParams().WithUserID(s.userID).WithPassword(change)); err != nil {
			return err
		}
		flag := &models.UserSysAdminFlag{SysadminFlag: true}
		if _, err := s.User.SetUserSysAdmin(background(), user.NewSetUserSysAdminParams().WithUserID(s.userID).WithSysadminFlag(flag)); err != nil {
			return err
		}
		own, err := openSession(s.user, password+"x")
		if err != nil {
			return err
		}
		me, err := own.User.GetCurrentUserInfo(background(), user.NewGetCurrentUserInfoParams())
		if err != nil {
			return err
		}
		return first(fits(own, me.Payload), want("an administrator", me.Payload.SysadminFlag, true), want("the name", me.Payload.Realname, "Stricter"))
	}},
	{"user: what I may do", func(s *session) error {
		scope := fmt.Sprintf("/project/%d", s.projectID)
		params := user.NewGetCurrentUserPermissionsParams().WithScope(&scope).WithRelative(pointer(true))
		mine, err := s.User.GetCurrentUserPermissions(background(), params)
		if err != nil {
			return err
		}
		if len(mine.Payload) < 70 {
			return fmt.Errorf("an administrator may do only %d things in a project", len(mine.Payload))
		}
		return fits(s, mine.Payload)
	}},
	{"user: delete", func(s *session) error {
		if _, err := s.User.DeleteUser(background(), user.NewDeleteUserParams().WithUserID(s.userID)); err != nil {
			return err
		}
		_, err := s.User.GetUser(background(), user.NewGetUserParams().WithUserID(s.userID))
		return refused(err, 404)
	}},
}

var groupSteps = []step{
	{"group: made, read, renamed, listed, searched, deleted", func(s *session) error {
		name := "readers-" + s.suffix
		request := &models.UserGroup{GroupName: name, GroupType: 3}
		made, err := s.Usergroup.CreateUserGroup(background(), usergroup.NewCreateUserGroupParams().WithUsergroup(request))
		if err != nil {
			return err
		}
		id, err := idIn(made.Location)
		if err != nil {
			return err
		}
		got, err := s.Usergroup.GetUserGroup(background(), usergroup.NewGetUserGroupParams().WithGroupID(id))
		if err != nil {
			return err
		}
		if err := first(fits(s, got.Payload), want("the name", got.Payload.GroupName, name), want("the type", got.Payload.GroupType, 3)); err != nil {
			return err
		}
		change := &models.UserGroup{GroupName: name + "-2", GroupType: 3}
		if _, err := s.Usergroup.UpdateUserGroup(background(), usergroup.NewUpdateUserGroupParams().WithGroupID(id).WithUsergroup(change)); err != nil {
			return err
		}
		list, err := s.Usergroup.ListUserGroups(background(), usergroup.NewListUserGroupsParams().WithGroupName(&change.GroupName))
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("those listed", len(list.Payload), 1)); err != nil {
			return err
		}
		found, err := s.Usergroup.SearchUserGroups(background(), usergroup.NewSearchUserGroupsParams().WithGroupname(change.GroupName))
		if err != nil {
			return err
		}
		if err := first(fits(s, found.Payload), want("those found", len(found.Payload), 1)); err != nil {
			return err
		}
		return roleOf(s, id)
	}},
}
