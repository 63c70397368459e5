package scenario

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestAProcessThatIsLeftIsFound(t *testing.T) {
	const word = "https://127.0.0.1:1/the-test-of-a-process-that-is-left"
	cmd := exec.Command("sleep", "60")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+word)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	left, err := processes("nothing of it", word)
	if err != nil || len(left) != 1 || !strings.Contains(left[0], "sleep 60") {
		t.Errorf("found %v, %v", left, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if left, err := processes(word); err != nil || len(left) > 0 {
		t.Errorf("found %v, %v after its end", left, err)
	}
}
