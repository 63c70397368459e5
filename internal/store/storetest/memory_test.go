package storetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/store"
	"github.com/opensearch-dr/osdr/internal/store/storetest"
)

func memory() *storetest.Memory { return storetest.NewMemory("b", "us-west-2", time.Now) }

func TestMemory(t *testing.T) {
	storetest.Contract(t,
		func(*testing.T) store.Bucket { return memory() },
		func(*testing.T) store.Bucket { b := memory(); b.SetAbsent(true); return b })
}

func TestMemoryFaults(t *testing.T) {
	ctx := context.Background()
	b := memory()
	b.LoseAnswer(storetest.Put, 1)
	if _, err := b.Put(ctx, "k", []byte("1"), store.Condition{IfAbsent: true}); !errors.Is(err, storetest.ErrAnswerLost) {
		t.Fatal(err)
	}
	b.ConflictAfterApply(1)
	if _, err := b.Put(ctx, "k", []byte("2"), store.Condition{}); !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	o, err := b.Get(ctx, "k")
	if err != nil || string(o.Body) != "2" || len(b.Versions("k")) != 2 {
		t.Fatal(o, err)
	}
	b.SetUnreachable(true)
	if _, err := b.Get(ctx, "k"); !errors.Is(err, storetest.ErrUnreachable) || errors.Is(err, store.ErrAbsent) {
		t.Fatal(err)
	}
	b.SetUnreachable(false)
	b.FailNext(storetest.List, 1, errors.New("slow down"))
	if _, err := b.List(ctx, ""); err == nil {
		t.Fatal("want the fault")
	}
	if es, err := b.List(ctx, ""); err != nil || len(es) != 1 {
		t.Fatal(es, err)
	}
}
