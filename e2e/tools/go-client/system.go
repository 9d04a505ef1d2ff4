package main

import (
	"errors"
	"strings"

	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/auditlog"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/configure"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/health"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/permissions"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/ping"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/search"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/statistic"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/system_cve_allowlist"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/systeminfo"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

var systemSteps = []step{
	{"system: ping, health, information, volumes", func(s *session) error {
		pong, err := s.Ping.GetPing(background(), ping.NewGetPingParams())
		if err != nil {
			return err
		}
		if err := want("the answer", pong.Payload, "Pong"); err != nil {
			return err
		}
		well, err := s.Health.GetHealth(background(), health.NewGetHealthParams())
		if err != nil {
			return err
		}
		if err := first(fits(s, well.Payload), want("the state", well.Payload.Status, "healthy")); err != nil {
			return err
		}
		info, err := s.Systeminfo.GetSystemInfo(background(), systeminfo.NewGetSystemInfoParams())
		if err != nil {
			return err
		}
		if err := fits(s, info.Payload); err != nil {
			return err
		}
		if !strings.HasPrefix(*info.Payload.HarborVersion, "v2.15.0-") {
			return errors.New("the version is " + *info.Payload.HarborVersion)
		}
		volumes, err := s.Systeminfo.GetVolumes(background(), systeminfo.NewGetVolumesParams())
		if err != nil {
			return err
		}
		return fits(s, volumes.Payload)
	}},
	{"system: settings read and changed", func(s *session) error {
		before, err := s.Configure.GetConfigurations(background(), configure.NewGetConfigurationsParams())
		if err != nil {
			return err
		}
		if err := fits(s, before.Payload); err != nil {
			return err
		}
		days := before.Payload.RobotTokenDuration.Value
		for _, value := range []int64{days + 1, days} {
			change := &models.Configurations{RobotTokenDuration: &value}
			if _, err := s.Configure.UpdateConfigurations(background(), configure.NewUpdateConfigurationsParams().WithConfigurations(change)); err != nil {
				return err
			}
			after, err := s.Configure.GetConfigurations(background(), configure.NewGetConfigurationsParams())
			if err != nil {
				return err
			}
			if err := want("the days", after.Payload.RobotTokenDuration.Value, value); err != nil {
				return err
			}
		}
		return nil
	}},
	{"system: statistics, search, permissions of robots", func(s *session) error {
		counts, err := s.Statistic.GetStatistic(background(), statistic.NewGetStatisticParams())
		if err != nil {
			return err
		}
		if err := fits(s, counts.Payload); err != nil {
			return err
		}
		found, err := s.Search.Search(background(), search.NewSearchParams().WithQ("library"))
		if err != nil {
			return err
		}
		if err := first(fits(s, found.Payload), want("projects found", len(found.Payload.Project), 1)); err != nil {
			return err
		}
		can, err := s.Permissions.GetPermissions(background(), permissions.NewGetPermissionsParams())
		if err != nil {
			return err
		}
		return first(fits(s, can.Payload), want("system permissions", len(can.Payload.System), 70), want("project permissions", len(can.Payload.Project), 70))
	}},
	{"system: vulnerabilities that count for nothing", func(s *session) error {
		list := &models.CVEAllowlist{Items: []*models.CVEAllowlistItem{{CVEID: "CVE-2026-1"}}}
		if _, err := s.SystemCVEAllowlist.PutSystemCVEAllowlist(background(), system_cve_allowlist.NewPutSystemCVEAllowlistParams().WithAllowlist(list)); err != nil {
			return err
		}
		got, err := s.SystemCVEAllowlist.GetSystemCVEAllowlist(background(), system_cve_allowlist.NewGetSystemCVEAllowlistParams())
		if err != nil {
			return err
		}
		return first(fits(s, got.Payload), want("the id", got.Payload.Items[0].CVEID, "CVE-2026-1"))
	}},
	{"system: who did what", func(s *session) error {
		logs, err := s.Auditlog.ListAuditLogExts(background(), auditlog.NewListAuditLogExtsParams())
		if err != nil {
			return err
		}
		if err := fits(s, logs.Payload); err != nil {
			return err
		}
		old, err := s.Auditlog.ListAuditLogs(background(), auditlog.NewListAuditLogsParams())
		if err != nil {
			return err
		}
		if err := fits(s, old.Payload); err != nil {
			return err
		}
		events, err := s.Auditlog.ListAuditLogEventTypes(background(), auditlog.NewListAuditLogEventTypesParams())
		if err != nil {
			return err
		}
		return fits(s, events.Payload)
	}},
}
