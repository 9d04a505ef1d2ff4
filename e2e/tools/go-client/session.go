package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/goharbor/go-client/pkg/harbor"
	v2client "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
)

// session is one caller of the suite, and what its steps have made.
type session struct {
	*v2client.HarborAPI
	last      *recorder
	project   string
	projectID int64
	user      string
	userID    int64
	suffix    string
}

const password = "Strictly1"

func openSession(username, secret string) (*session, error) {
	base, err := url.Parse(os.Getenv("HARBOR_URL"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("HARBOR_URL is no address: %v", err)
	}
	base.Path = v2client.DefaultBasePath
	last := &recorder{}
	config := harbor.Config{URL: base, Transport: last, AuthInfo: httptransport.BasicAuth(username, secret)}
	suffix := strconv.FormatInt(time.Now().UnixNano()%1_000_000_000, 36)
	return &session{HarborAPI: v2client.New(config.ToV2Config()), last: last, suffix: suffix}, nil
}

// recorder keeps the last answer as it came, to hold it to a model again.
type recorder struct {
	body   []byte
	status int
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	r.status = response.StatusCode
	r.body, err = io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(r.body))
	return response, err
}

// Fields of later Harbors and of ours, which this version of the client has no place for.
var newer = []string{
	"berth_version", "proxy_referrer_api", "max_upstream_conn", "proxy_cache_local_on_not_found", "referrer",
	"client_address", "request_id", "ldap_starttls", "ldap_ca_certificate",
}

// fits holds an answer to its model: its own rules, and no field it does not know.
func fits[T any](s *session, payload T) error {
	if model, ok := any(payload).(interface{ Validate(strfmt.Registry) error }); ok {
		if err := model.Validate(strfmt.Default); err != nil {
			return fmt.Errorf("the answer breaks the rules of its model: %w", err)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(s.last.body))
	decoder.DisallowUnknownFields()
	var again T
	err := decoder.Decode(&again)
	if err == nil {
		return nil
	}
	for _, name := range newer {
		if strings.Contains(err.Error(), strconv.Quote(name)) {
			return nil
		}
	}
	return fmt.Errorf("the answer does not fit its model: %w in %.400s", err, s.last.body)
}

// idIn is the number a Location ends with.
func idIn(location string) (int64, error) {
	id, err := strconv.ParseInt(location[strings.LastIndex(location, "/")+1:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("Location %q does not end with an id", location)
	}
	return id, nil
}

// want compares what was found with what should be.
func want[T comparable](what string, found, wanted T) error {
	if found != wanted {
		return fmt.Errorf("%s is %v instead of %v", what, found, wanted)
	}
	return nil
}

func pointer[T any](value T) *T { return &value }

// first is the first thing that went wrong.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// refused says whether err is the refusal that was due.
func refused(err error, status int) error {
	if err == nil {
		return fmt.Errorf("it worked instead of being refused with %d", status)
	}
	var other *runtime.APIError
	if errors.As(err, &other) && other.Code == status || strings.Contains(err.Error(), fmt.Sprintf("][%d]", status)) {
		return nil
	}
	return fmt.Errorf("not refused with %d: %w", status, err)
}
