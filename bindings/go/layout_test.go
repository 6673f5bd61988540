package wandb

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// When a member is added to the library's options, this test says that this
// package has no option for it yet.
func TestEveryOptionIsKnown(t *testing.T) {
	known := strings.Fields(`struct_size api_key host referrer flags anonymous prompt_timeout_ms
		http_timeout_ms prompt_fn prompt_user_data log_fn log_user_data backend_fn backend_user_data
		cancel_fn cancel_user_data session environment working_directory error_buf error_buf_size`)
	var offset uintptr
	options := reflect.TypeOf(given{}.options)
	for i := range options.NumField() {
		field := options.Field(i)
		if i >= len(known) {
			t.Errorf("there is no option for %s", field.Name)
			continue
		}
		if field.Name != known[i] || field.Offset != offset {
			t.Errorf("member %d is %s at %d, not %s at %d", i, field.Name, field.Offset, known[i], offset)
		}
		offset += field.Type.Size()
	}
	if options.NumField() < len(known) || options.Size() != offset {
		t.Errorf("the struct has %d members and %d bytes", options.NumField(), options.Size())
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
	if !strings.Contains(err.Error(), "version 0.1.2, but the program was built for 1.2.3") {
		t.Error(err)
	}
}
