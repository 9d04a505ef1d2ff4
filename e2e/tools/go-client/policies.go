package main

import (
	"fmt"
	"strconv"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/immutable"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/label"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/quota"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/robot"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

var robotSteps = []step{
	{"robot: of a project, made, used, changed, its secret made anew, deleted", func(s *session) error {
		access := []*models.Access{{Resource: "repository", Action: "pull"}, {Resource: "label", Action: "list"}}
		request := &models.RobotCreate{
			Name: "strict", Level: "project", Duration: 7, Description: "of the strict client",
			Permissions: []*models.RobotPermission{{Kind: "project", Namespace: s.project, Access: access}},
		}
		made, err := s.Robot.CreateRobot(background(), robot.NewCreateRobotParams().WithRobot(request))
		if err != nil {
			return err
		}
		if err := first(fits(s, made.Payload), want("the name", made.Payload.Name, "robot$"+s.project+"+strict")); err != nil {
			return err
		}
		if err := asRobot(s, made.Payload.Name, made.Payload.Secret); err != nil {
			return err
		}
		id := made.Payload.ID
		got, err := s.Robot.GetRobotByID(background(), robot.NewGetRobotByIDParams().WithRobotID(id))
		if err != nil {
			return err
		}
		if err := first(
			fits(s, got.Payload),
			want("the secret", got.Payload.Secret, ""),
			want("the level", got.Payload.Level, "project"),
			want("the duration", *got.Payload.Duration, 7),
			want("its permissions", len(got.Payload.Permissions[0].Access), 2),
		); err != nil {
			return err
		}
		changed := *got.Payload
		changed.Description = "changed"
		if _, err := s.Robot.UpdateRobot(background(), robot.NewUpdateRobotParams().WithRobotID(id).WithRobot(&changed)); err != nil {
			return err
		}
		query := fmt.Sprintf("Level=project,ProjectID=%d", s.projectID)
		list, err := s.Robot.ListRobot(background(), robot.NewListRobotParams().WithQ(&query))
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("the total", list.XTotalCount, 1), want("the description", list.Payload[0].Description, "changed")); err != nil {
			return err
		}
		fresh, err := s.Robot.RefreshSec(background(), robot.NewRefreshSecParams().WithRobotID(id).WithRobotSec(&models.RobotSec{}))
		if err != nil {
			return err
		}
		if err := first(fits(s, fresh.Payload), asRobot(s, made.Payload.Name, fresh.Payload.Secret)); err != nil {
			return err
		}
		_, err = s.Robot.DeleteRobot(background(), robot.NewDeleteRobotParams().WithRobotID(id))
		return err
	}},
	{"robot: of the system, for every project", func(s *session) error {
		request := &models.RobotCreate{
			Name: "strict-" + s.suffix, Level: "system", Duration: -1,
			Permissions: []*models.RobotPermission{
				{Kind: "system", Namespace: "/", Access: []*models.Access{{Resource: "quota", Action: "list"}}},
				{Kind: "project", Namespace: "*", Access: []*models.Access{{Resource: "label", Action: "list"}}},
			},
		}
		made, err := s.Robot.CreateRobot(background(), robot.NewCreateRobotParams().WithRobot(request))
		if err != nil {
			return err
		}
		if err := first(fits(s, made.Payload), want("its end", made.Payload.ExpiresAt, -1)); err != nil {
			return err
		}
		if err := asRobot(s, made.Payload.Name, made.Payload.Secret); err != nil {
			return err
		}
		_, err = s.Robot.DeleteRobot(background(), robot.NewDeleteRobotParams().WithRobotID(made.Payload.ID))
		return err
	}},
	{"robot: what nobody can be given is refused", func(s *session) error {
		request := &models.RobotCreate{
			Name: "greedy", Level: "system", Duration: 1,
			Permissions: []*models.RobotPermission{{Kind: "system", Namespace: "/", Access: []*models.Access{{Resource: "configuration", Action: "update"}}}},
		}
		_, err := s.Robot.CreateRobot(background(), robot.NewCreateRobotParams().WithRobot(request))
		return refused(err, 400)
	}},
}

// asRobot lists the labels of the project as somebody else.
func asRobot(s *session, name, secret string) error {
	other, err := openSession(name, secret)
	if err != nil {
		return err
	}
	_, err = other.Label.ListLabels(background(), label.NewListLabelsParams().WithScope(pointer("p")).WithProjectID(&s.projectID))
	return err
}

var labelSteps = []step{
	{"label: of the system and of a project, made, read, changed, listed, deleted", func(s *session) error {
		for _, scope := range []string{"g", "p"} {
			request := &models.Label{Name: "strict-" + s.suffix, Scope: scope, Color: "#00ab9a", Description: "one"}
			if scope == "p" {
				request.ProjectID = s.projectID
			}
			made, err := s.Label.CreateLabel(background(), label.NewCreateLabelParams().WithLabel(request))
			if err != nil {
				return err
			}
			id, err := idIn(made.Location)
			if err != nil {
				return err
			}
			got, err := s.Label.GetLabelByID(background(), label.NewGetLabelByIDParams().WithLabelID(id))
			if err != nil {
				return err
			}
			if err := first(fits(s, got.Payload), want("the colour", got.Payload.Color, "#00ab9a"), want("the scope", got.Payload.Scope, scope)); err != nil {
				return err
			}
			change := *got.Payload
			change.Name = "renamed-" + s.suffix
			if _, err := s.Label.UpdateLabel(background(), label.NewUpdateLabelParams().WithLabelID(id).WithLabel(&change)); err != nil {
				return err
			}
			list := label.NewListLabelsParams().WithScope(&scope).WithName(&change.Name)
			if scope == "p" {
				list = list.WithProjectID(&s.projectID)
			}
			found, err := s.Label.ListLabels(background(), list)
			if err != nil {
				return err
			}
			if err := first(fits(s, found.Payload), want("the total", found.XTotalCount, 1)); err != nil {
				return err
			}
			if _, err := s.Label.DeleteLabel(background(), label.NewDeleteLabelParams().WithLabelID(id)); err != nil {
				return err
			}
		}
		return nil
	}},
}

var immutabilitySteps = []step{
	{"immutability: a rule made, listed, switched off, deleted", func(s *session) error {
		rule := &models.ImmutableRule{
			Action: "immutable", Template: "immutable_template",
			TagSelectors:   []*models.ImmutableSelector{{Kind: "doublestar", Decoration: "matches", Pattern: "v*"}},
			ScopeSelectors: map[string][]models.ImmutableSelector{"repository": {{Kind: "doublestar", Decoration: "repoMatches", Pattern: "**"}}},
		}
		made, err := s.Immutable.CreateImmuRule(background(), immutable.NewCreateImmuRuleParams().WithProjectNameOrID(s.project).WithImmutableRule(rule))
		if err != nil {
			return err
		}
		id, err := idIn(made.Location)
		if err != nil {
			return err
		}
		list, err := s.Immutable.ListImmuRules(background(), immutable.NewListImmuRulesParams().WithProjectNameOrID(s.project))
		if err != nil {
			return err
		}
		if err := first(
			fits(s, list.Payload),
			want("the total", list.XTotalCount, 1),
			want("the id", list.Payload[0].ID, id),
			want("the pattern", list.Payload[0].TagSelectors[0].Pattern, "v*"),
			want("the repositories", list.Payload[0].ScopeSelectors["repository"][0].Pattern, "**"),
		); err != nil {
			return err
		}
		change := *list.Payload[0]
		change.Disabled = true
		update := immutable.NewUpdateImmuRuleParams().WithProjectNameOrID(s.project).WithImmutableRuleID(id).WithImmutableRule(&change)
		if _, err := s.Immutable.UpdateImmuRule(background(), update); err != nil {
			return err
		}
		_, err = s.Immutable.DeleteImmuRule(background(), immutable.NewDeleteImmuRuleParams().WithProjectNameOrID(s.project).WithImmutableRuleID(id))
		return err
	}},
}

var quotaSteps = []step{
	{"quota: of the project, found, read, changed; sorted by use", func(s *session) error {
		params := quota.NewListQuotasParams().WithReference(pointer("project")).WithReferenceID(pointer(strconv.FormatInt(s.projectID, 10)))
		list, err := s.Quota.ListQuotas(background(), params)
		if err != nil {
			return err
		}
		if err := first(fits(s, list.Payload), want("the total", list.XTotalCount, 1)); err != nil {
			return err
		}
		if err := want("the limit", list.Payload[0].Hard["storage"], 10_000_000_000); err != nil {
			return err
		}
		id := list.Payload[0].ID
		body := &models.QuotaUpdateReq{Hard: models.ResourceList{"storage": 20_000_000_000}}
		if _, err := s.Quota.UpdateQuota(background(), quota.NewUpdateQuotaParams().WithID(id).WithHard(body)); err != nil {
			return err
		}
		got, err := s.Quota.GetQuota(background(), quota.NewGetQuotaParams().WithID(id))
		if err != nil {
			return err
		}
		if err := first(fits(s, got.Payload), want("the limit", got.Payload.Hard["storage"], 20_000_000_000)); err != nil {
			return err
		}
		for _, sort := range []string{"used.storage", "-used.storage", "hard.storage", "-hard.storage"} {
			if _, err := s.Quota.ListQuotas(background(), quota.NewListQuotasParams().WithSort(&sort)); err != nil {
				return err
			}
		}
		return nil
	}},
}
