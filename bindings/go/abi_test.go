package wandb

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Fails when the library's options get a member that this package does not know.
func TestEveryMemberIsKnown(t *testing.T) {
	known := strings.Fields(`struct_size api_key host referrer flags anonymous prompt_timeout_ms
		http_timeout_ms prompt_fn prompt_user_data log_fn log_user_data backend_fn backend_user_data
		cancel_fn cancel_user_data session environment working_directory error_buf error_buf_size`)
	options := reflect.TypeOf(rawOptions{}.options)
	for i := range options.NumField() {
		if name := options.Field(i).Name; !slices.Contains(known, name) {
			t.Errorf("this package has no option for %s", name)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, good := range [][2]uint32{{100, 100}, {100, 101}, {100, 9_999}, {10_203, 10_300}} {
		if err := compareVersions(good[0], good[1]); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range [][2]uint32{{100, 99}, {100, 10_000}, {10_000, 9_999}, {100, 0}} {
		if err := compareVersions(bad[0], bad[1]); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	err := compareVersions(10_203, 102)
	if !strings.Contains(err.Error(), "libwandb_login 0.1.2 is loaded, but the program was built for 1.2.3") {
		t.Error(err)
	}
}
