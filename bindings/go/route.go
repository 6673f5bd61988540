package wandb

// #include "bridge.h"
import "C"

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// CAFile returns the file of CA certificates that replaces the system's trust store
// for the session's server (SSL_CERT_FILE, else REQUESTS_CA_BUNDLE), "" without one.
func (s *Session) CAFile() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_ca_file(handle))
}

// CADir returns the directories of CA certificates that replace the system's trust
// store for the session's server, separated as in PATH (SSL_CERT_DIR, else
// REQUESTS_CA_BUNDLE), "" without one.
func (s *Session) CADir() string {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return C.GoString(C.wandb_login_session_ca_dir(handle))
}

// TLSUnchecked reports whether the user disabled the verification of certificates
// (WANDB_INSECURE_DISABLE_SSL or its setting).
func (s *Session) TLSUnchecked() bool {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	return bool(C.wandb_login_session_tls_unchecked(handle))
}

// Proxy returns the proxy for the session's server, nil for a direct connection. It is
// a secret if it contains a password. NO_PROXY is applied already.
func (s *Session) Proxy() *url.URL {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	text := C.wandb_login_session_proxy(handle)
	if text == nil {
		return nil
	}
	// The library returns a normalized URL, which always parses.
	proxy, _ := url.Parse(C.GoString(text))
	return proxy
}

// Headers returns the headers to send to the session's server with each request:
// WANDB_X_EXTRA_HTTP_HEADERS, user name and e-mail address. Authorization is not among
// them. They are secrets.
func (s *Session) Headers() http.Header {
	handle := s.retain()
	defer C.wandb_login_session_free(handle)
	headers := http.Header{}
	for _, line := range goStrings(C.wandb_login_session_headers(handle)) {
		name, value, _ := strings.Cut(line, ":")
		headers.Add(name, strings.TrimPrefix(value, " "))
	}
	return headers
}

// TLSConfig returns the TLS configuration for the session's server: CAFile, CADir and
// TLSUnchecked, else the system's trust store. The error is [ErrTLS] if none of the
// files has a certificate.
func (s *Session) TLSConfig() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: s.TLSUnchecked()}
	places := filepath.SplitList(s.CADir())
	if file := s.CAFile(); file != "" {
		places = append(places, file)
	}
	if len(places) == 0 || config.InsecureSkipVerify {
		return config, nil
	}
	pool, found := x509.NewCertPool(), false
	problem := error(nil)
	for _, place := range places {
		err := addCertificates(pool, place)
		found = found || err == nil
		if problem == nil {
			problem = err
		}
	}
	if !found {
		return nil, &Error{Status: ErrTLS, Message: "no CA certificate: " + problem.Error(), cause: problem}
	}
	config.RootCAs = pool
	return config, nil
}

// addCertificates adds the certificates of a file, or of the files in a directory.
func addCertificates(pool *x509.CertPool, place string) error {
	files := []string{place}
	if entries, err := os.ReadDir(place); err == nil {
		files = nil
		for _, entry := range entries {
			files = append(files, filepath.Join(place, entry.Name()))
		}
	}
	found := false
	for _, file := range files {
		// Reading a pipe could block.
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a regular file", file)
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(file)
		}
		if err != nil && file == place {
			return err
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return fmt.Errorf("%s contains no PEM certificate", place)
	}
	return nil
}

// connection returns a transport that connects to the session's server as the login
// did. Variables of Go such as HTTPS_PROXY do not apply.
func (s *Session) connection() (http.RoundTripper, error) {
	config, err := s.TLSConfig()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = standard.Clone()
	}
	transport.TLSClientConfig = config
	transport.Proxy = http.ProxyURL(s.Proxy())
	return transport, nil
}
