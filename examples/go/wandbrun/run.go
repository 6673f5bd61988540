// Package wandbrun logs the metrics of a training to Weights & Biases, where they become
// curves. Copy this file into your program; it needs the Go package of libwandb_login.
//
//	run := wandbrun.Start(ctx, wandbrun.Options{})
//	for range steps {
//		run.Log(map[string]float64{"loss": trainOneStep()})
//	}
//	run.Finish(0)
//
// A goroutine of its own sends the metrics, so logging never waits. W&B cannot end or
// delay a training: if the login fails or the server is gone, the functions say so in one
// line on standard error and the training goes on. A server that does not answer costs at
// most 10 seconds in all, at the end.
//
// What is sent is a part of what wandb-core, the uploader of the Python SDK, sends:
//
//	POST /graphql             UpsertBucket, which makes the project and the run
//	POST .../file_stream      history lines, at the offset where they belong
//	POST .../file_stream {}   every 30 s without other requests: still alive
//	POST .../file_stream      with "complete" and the exit code, as the last one
//
// SPDX-License-Identifier: MIT
package wandbrun

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	wandb "libwandb-login.invalid/wandb"
)

const (
	uploadInterval = 15 * time.Second // W&B asks for no less
	heartbeat      = 30 * time.Second // without a request, after which {} is sent
	requestLimit   = 180 * time.Second
	firstWait      = 2 * time.Second // before the first retry; then twice as long
	longestWait    = 60 * time.Second
	delayLimit     = 9 * time.Second // of the training, in all; the end takes a little more
	loginLimit     = 5 * time.Second // for the exchange of an identity token
	batch          = 4 << 20         // bytes of history in one request; W&B takes 10 MB
	longestQueue   = 64 << 20        // bytes
	longestAnswer  = 1 << 20         // bytes
)

// Options of a run; the zero value is good.
type Options struct {
	Project  string         // "": WANDB_PROJECT, else "uncategorized"
	Entity   string         // user or team; "": WANDB_ENTITY, else the default of the key
	ID       string         // "": WANDB_RUN_ID, else random; a run that exists is continued
	Config   map[string]any // shown beside the curves
	Interval time.Duration  // between two uploads; 0: 15 s, the least that W&B asks for
	Session  *wandb.Session // nil: Start logs in; else it stays open until after Finish
}

// Run is a run that is being logged. All methods of a nil Run do nothing.
type Run struct {
	id, project, entity, config string
	interval, delay             time.Duration
	started                     time.Time
	session                     *wandb.Session
	ownsSession                 bool
	client                      *http.Client
	ctx                         context.Context // ends when Finish waits no longer
	cancel                      context.CancelFunc
	changed                     chan struct{} // a line was logged
	finishing, ended            chan struct{} // closed by Finish, and by the sender
	finish                      sync.Once

	mu       sync.Mutex
	queue    []string // history lines without their beginning
	size     int      // bytes in the queue
	logged   int
	exitCode int
	stopped  bool
	closed   bool // the sender takes no more lines
	said     map[string]bool

	// Of the sender.
	stream  string // path of the file stream, "" before the run is made
	offset  int    // history lines that the server has accepted
	trouble string // the last problem that was printed
}

// Start logs in and starts a run. It waits for no server, except that the exchange of an
// identity token takes up to 5 seconds. The address of the run is printed on standard error
// as soon as the server has made it. It returns nil if W&B is offline or the login fails.
// In a distributed job, call it on rank 0 only.
func Start(ctx context.Context, options Options) *Run {
	r := &Run{
		interval: options.Interval, delay: delayLimit, started: time.Now(),
		changed: make(chan struct{}, 1), finishing: make(chan struct{}), ended: make(chan struct{}),
		said: map[string]bool{},
	}
	if r.interval <= 0 {
		r.interval = uploadInterval
	}
	if err := r.name(options); err != nil {
		say("%v; the training goes on without W&B", err)
		return nil
	}
	if r.session = options.Session; r.session == nil {
		session, err := wandb.Login(ctx, wandb.WithHTTPTimeout(loginLimit))
		if errors.Is(err, wandb.ErrOffline) {
			say("W&B is offline: nothing is sent")
			return nil
		} else if err != nil {
			say("%v; the training goes on without W&B", err)
			return nil
		}
		r.session, r.ownsSession = session, true
		if session.Source() == wandb.SourceIdentityToken {
			r.delay -= time.Since(r.started)
		}
	}
	r.client = &http.Client{
		Transport: r.session.Transport(nil), // renews the credential, and retries after 401
		Timeout:   requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	go r.send()
	return r
}

// name fills in what the run is called.
func (r *Run) name(options Options) (err error) {
	choose := func(given, variable, otherwise string) string {
		for _, value := range []string{given, os.Getenv(variable)} {
			if value != "" {
				return value
			}
		}
		return otherwise
	}
	r.project = choose(options.Project, "WANDB_PROJECT", "uncategorized")
	r.entity = choose(options.Entity, "WANDB_ENTITY", "")
	r.id = choose(options.ID, "WANDB_RUN_ID", randomID())
	config := map[string]any{}
	for name, value := range options.Config {
		config[name] = map[string]any{"value": value}
	}
	text, err := json.Marshal(config)
	r.config = string(text)
	return errors.Join(err, check("project", r.project, `/\#?%:`), check("run id", r.id, `:;,#?/'`))
}

// check returns an error for a name that W&B does not allow.
func check(what, name, forbidden string) error {
	if bad := strings.IndexAny(name, forbidden); bad >= 0 {
		return fmt.Errorf("the %s %q contains %q, which W&B does not allow (%s)", what, name, name[bad:bad+1], forbidden)
	}
	if length := utf8.RuneCountInString(name); length > 128 {
		return fmt.Errorf("the %s has %d characters, and W&B allows 128", what, length)
	}
	return nil
}

// randomID returns eight characters of a-z and 0-9.
func randomID() string {
	id := make([]byte, 8)
	for i := range id {
		id[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rand.IntN(36)]
	}
	return string(id)
}

// Log logs the metrics of the next step; steps count from 0. Names may hold a slash, as
// "train/loss", and must not begin with an underscore. NaN and infinities are logged as
// such, with one line on standard error. Any goroutine may call it.
func (r *Run) Log(metrics map[string]float64) {
	if r == nil {
		return
	}
	now := time.Now()
	line := fmt.Appendf(nil, `,"_runtime":%.6f,"_timestamp":%.6f`, now.Sub(r.started).Seconds(), float64(now.UnixMicro())/1e6)
	notFinite := ""
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		quoted, _ := json.Marshal(name)
		line = append(append(append(line, ','), quoted...), ':')
		value := metrics[name]
		if math.IsNaN(value) || math.IsInf(value, 0) {
			notFinite = name
		}
		line = appendNumber(line, value)
	}
	line = append(line, '}')

	r.mu.Lock()
	defer r.mu.Unlock()
	step := r.logged
	r.logged++
	if notFinite != "" {
		r.sayOnce("not finite", "%s is not a finite number in step %d; W&B gets it as it is", notFinite, step)
	}
	switch {
	case r.closed:
	case r.size+len(line) > longestQueue:
		r.sayOnce("full", "too much waits for the server: metrics from step %d on are lost", step)
	default:
		r.queue = append(r.queue, string(line))
		r.size += len(line)
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

// appendNumber appends a number with all its digits. W&B writes NaN and infinities as bare
// words, which are not JSON.
func appendNumber(line []byte, value float64) []byte {
	switch {
	case math.IsNaN(value):
		return append(line, "NaN"...)
	case math.IsInf(value, 1):
		return append(line, "Infinity"...)
	case math.IsInf(value, -1):
		return append(line, "-Infinity"...)
	}
	return strconv.AppendFloat(line, value, 'g', -1, 64)
}

// Stopped reports whether the user has pressed Stop on the page of the run.
func (r *Run) Stopped() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// Finish sends what is left and the exit code of the training (0: it succeeded). It takes
// at most 10 seconds, less the time that the login took. A second call does nothing.
func (r *Run) Finish(exitCode int) {
	if r == nil {
		return
	}
	r.finish.Do(func() {
		r.mu.Lock()
		r.exitCode = exitCode
		r.mu.Unlock()
		close(r.finishing)
		timer := time.AfterFunc(r.delay, r.cancel)
		defer timer.Stop()
		<-r.ended
		r.cancel()
		r.client.CloseIdleConnections()
		if r.ownsSession {
			r.session.Close()
		}
	})
}

// send sends lines until the training ends, or a request is given up.
func (r *Run) send() {
	defer close(r.ended)
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.closed, r.queue, r.size = true, nil, 0
	}()
	if !r.makeRun() {
		return
	}
	uploadAt, heartbeatAt := time.Now(), time.Now().Add(heartbeat)
	for {
		lines, complete := r.wait(uploadAt, heartbeatAt)
		answer, ok := r.deliver(r.stream, r.upload(lines, complete))
		if !ok || complete {
			return
		}
		r.offset += len(lines)
		r.readStopped(answer)
		heartbeatAt = time.Now().Add(heartbeat)
		if len(lines) > 0 {
			uploadAt = time.Now().Add(r.interval)
		}
	}
}

// wait returns the lines to send; none for a heartbeat. complete: they are the last ones.
func (r *Run) wait(uploadAt, heartbeatAt time.Time) (lines []string, complete bool) {
	for {
		finishing := isClosed(r.finishing)
		r.mu.Lock()
		due := heartbeatAt
		if len(r.queue) > 0 && uploadAt.Before(due) {
			due = uploadAt
		}
		if finishing || !time.Now().Before(due) {
			defer r.mu.Unlock()
			if finishing || !time.Now().Before(uploadAt) {
				lines = r.take()
			}
			return lines, finishing && len(r.queue) == 0
		}
		r.mu.Unlock()
		select {
		case <-time.After(time.Until(due)):
		case <-r.changed:
		case <-r.finishing:
		}
	}
}

// take removes the lines of one request from the queue. The caller holds the lock.
func (r *Run) take() []string {
	count, size := 0, 0
	for count < len(r.queue) && size < batch {
		size += len(r.queue[count])
		count++
	}
	lines := r.queue[:count]
	r.queue = r.queue[count:]
	r.size -= size
	return lines
}

func isClosed(channel chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// file is a part of a file on the server.
type file struct {
	Offset  int      `json:"offset"`
	Content []string `json:"content"`
}

// upload is the body of a request with history lines, of the end, or of a heartbeat.
func (r *Run) upload(lines []string, complete bool) any {
	body := map[string]any{}
	if len(lines) > 0 {
		history := make([]string, len(lines))
		for i, line := range lines {
			history[i] = fmt.Sprintf(`{"_step":%d%s`, r.offset+i, line)
		}
		body["files"] = map[string]file{
			"wandb-history.jsonl": {r.offset, history},
			"wandb-summary.json":  {0, history[len(history)-1:]}, // the latest values
		}
	}
	if complete {
		r.mu.Lock()
		defer r.mu.Unlock()
		body["complete"], body["exitcode"] = true, r.exitCode
	}
	return body
}

func (r *Run) readStopped(answer []byte) {
	var body struct{ Stopped bool }
	json.Unmarshal(answer, &body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if body.Stopped {
		r.stopped = true
		r.sayOnce("stopped", "the user has stopped the run on its page")
	}
}

const upsertBucket = "mutation UpsertBucket($name:String,$project:String,$entity:String,$config:JSONString){" +
	"upsertBucket(input:{name:$name,modelName:$project,entityName:$entity,config:$config}){" +
	"bucket{name project{name entity{name}} historyLineCount} inserted}}"

// makeRun makes the run on the server, and reports whether it was made.
func (r *Run) makeRun() bool {
	variables := map[string]any{"name": r.id, "project": r.project, "entity": nil, "config": r.config}
	if r.entity != "" {
		variables["entity"] = r.entity
	}
	answer, ok := r.deliver("/graphql", map[string]any{
		"operationName": "UpsertBucket", "query": upsertBucket, "variables": variables})
	if !ok {
		return false
	}
	var body struct {
		Data struct {
			UpsertBucket struct {
				Bucket struct {
					Name    string
					Project struct {
						Name   string
						Entity struct{ Name string }
					}
					HistoryLineCount int
				}
				Inserted *bool
			}
		}
	}
	json.Unmarshal(answer, &body)
	bucket := body.Data.UpsertBucket.Bucket
	entity, project, name := bucket.Project.Entity.Name, bucket.Project.Name, bucket.Name
	if entity == "" || project == "" || name == "" {
		detail := message(answer)
		if detail == "" {
			detail = "its answer is not that of a W&B server"
		}
		say("the server made no run in the project %q: %s", r.project, detail)
		return false
	}
	if inserted := body.Data.UpsertBucket.Inserted; inserted != nil && !*inserted {
		r.offset = bucket.HistoryLineCount
	}
	path := func(parts ...string) string {
		for i, part := range parts {
			parts[i] = url.PathEscape(part)
		}
		return strings.Join(parts, "/")
	}
	r.stream = "/files/" + path(entity, project, name) + "/file_stream"
	say("view the run at %s/%s", r.session.AppURL(), path(entity, project, "runs", name))
	return true
}

// verdict is what an answer means.
type verdict int

const (
	accepted verdict = iota
	retry
	refused
)

// deliver sends a request until the server accepts it, and reports whether it did.
func (r *Run) deliver(path string, content any) (answer []byte, ok bool) {
	body, err := json.Marshal(content)
	if err != nil {
		say("%v; nothing more is sent, and the training goes on", err)
		return nil, false
	}
	wait := firstWait
	for {
		meaning, answer, retryAfter, problem := r.post(path, body)
		switch {
		case meaning == accepted:
			if r.trouble != "" {
				say("the server accepts requests again")
			}
			r.trouble = ""
			return answer, true
		case meaning == refused:
			say("%s; nothing more is sent, and the training goes on", problem)
			return nil, false
		case r.isLate():
			return nil, false
		}
		if problem != r.trouble {
			say("%s; the request is sent again", problem)
		}
		r.trouble = problem
		shortened := false
		if retryAfter > 0 {
			r.pause(retryAfter, nil)
		} else {
			shortened = r.pause(wait, r.finishing)
		}
		if wait = min(2*wait, longestWait); shortened {
			wait = firstWait
		}
		if r.isLate() {
			return nil, false
		}
	}
}

// isLate reports whether Finish waits no longer, and then says what is missing.
func (r *Run) isLate() bool {
	if r.ctx.Err() == nil {
		return false
	}
	if r.trouble == "" {
		r.trouble = "the server does not answer"
	}
	say("the run is not complete: %s", r.trouble)
	return true
}

// pause waits before a retry. Finish cuts it short, once, where the server did not ask for
// the wait; pause reports whether it did.
func (r *Run) pause(wait time.Duration, finishing chan struct{}) (shortened bool) {
	if isClosed(r.finishing) {
		finishing = nil
	}
	select {
	case <-time.After(wait):
	case <-r.ctx.Done():
	case <-finishing:
		return true
	}
	return false
}

// post sends a request once.
func (r *Run) post(path string, body []byte) (meaning verdict, answer []byte, retryAfter time.Duration, problem string) {
	request, err := http.NewRequestWithContext(r.ctx, "POST", r.session.BaseURL()+path, bytes.NewReader(body))
	if err != nil {
		return refused, nil, 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "wandb-run-example/1")
	response, err := r.client.Do(request)
	if err == nil {
		defer response.Body.Close()
		answer, err = io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	}
	if err != nil {
		meaning, problem = judgeError(err)
		return meaning, nil, 0, problem
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	retryAfter = time.Duration(min(max(seconds, 0), 3600)) * time.Second
	problem = fmt.Sprintf("the server answered HTTP %d", response.StatusCode)
	if detail := message(answer); detail != "" {
		problem += ": " + detail
	}
	return r.judge(response.StatusCode), answer, retryAfter, problem
}

// message returns what the server says about an error, or "".
func message(answer []byte) string {
	var body struct {
		Error  any
		Errors []struct{ Message string }
	}
	json.Unmarshal(answer, &body)
	if len(body.Errors) > 0 {
		return body.Errors[0].Message
	}
	text, _ := body.Error.(string)
	return text
}

// judge says what a status means. wandb-core gives up the same ones. After 401 the transport
// has tried another credential; when none is left, the next attempt says so.
func (r *Run) judge(status int) verdict {
	switch {
	case status/100 == 2:
		return accepted
	case status == 401, status == 429, status >= 500 && status != 501, status == 409 && r.stream == "":
		return retry
	}
	return refused
}

// judgeError says what an error of the client means.
func judgeError(err error) (verdict, string) {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the URL
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || errors.Is(err, wandb.ErrRejected) || errors.Is(err, wandb.ErrTLS) {
		return refused, err.Error()
	}
	return retry, err.Error()
}

// sayOnce prints a line of one kind once. The caller holds the lock.
func (r *Run) sayOnce(kind, format string, values ...any) {
	if !r.said[kind] {
		r.said[kind] = true
		say(format, values...)
	}
}

// say prints one line on standard error. Text of a server cannot control the terminal.
func say(format string, values ...any) {
	line := strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return ' '
		}
		return c
	}, fmt.Sprintf(format, values...))
	fmt.Fprintf(os.Stderr, "wandb_run: %s\n", line)
}
