package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/fence"
	"github.com/opensearch-dr/osdr/internal/opensearch"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// patienceFor is how long writes wait for what is unknown. A definite refusal is
// waited for in no case.
const patienceFor = 5 * time.Minute

// handingOver is how far a hand-over is.
type handingOver struct {
	Since time.Time `json:"since"` // the first run began
	// Put is the last name of each part that the engine has answered for; names are
	// put in order.
	Put map[string]string `json:"put,omitempty"`
	// Unanswered are names, by part, that are to be put again.
	Unanswered map[string][]string `json:"unanswered,omitempty"`
	Aliases    bool                `json:"aliases,omitempty"`  // each is made, or refused
	Settings   bool                `json:"settings,omitempty"` // of the source are in the record
}

// overdue: writes wait no longer for what is unknown.
func (h *handingOver) overdue(now time.Time) bool {
	return h != nil && now.Sub(h.Since) >= patienceFor
}

// aliasesOpen: aliases of the recovery point are still to be made.
func (r *run) aliasesOpen() bool {
	return r.unreplayed() && (r.state.HandOver == nil || !r.state.HandOver.Aliases)
}

// handOver the copies to their users: capsule and aliases first, then each index
// as it was at the source (F9, F30). What is open comes before what is closed:
// closing may have to wait for the end of a snapshot, and no client writes to what is
// closed. What it cannot do is named, and tried again by the next run.
func (r *run) handOver(ctx context.Context, dom domain.Recovery, j restore.Journal, rec *fence.Record) error {
	h, err := r.begun(ctx)
	if err != nil {
		return err
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	late := h.overdue(r.now)
	if r.unreplayed() && !late {
		if err := r.replay(ctx, dom, j, rec, all); err != nil {
			return r.cutShort(ctx, fmt.Errorf("replay the capsule, before writes are let in: %w", err))
		}
	}
	b := blocking{run: r, dom: dom, trouble: map[string]contract.Attention{}}
	left, err := b.giveBack(ctx, all, j)
	if err != nil && isEnd(err) {
		return err
	}
	r.keepAttention(contract.AttentionIndexBlocked, b.list())
	if err != nil && !late {
		return r.cutShort(ctx, err)
	}
	if r.unreplayed() { // after the writes, and as often as it takes
		if err := r.replay(ctx, dom, j, rec, all); err != nil {
			if isEnd(err) {
				return err
			}
			r.tell(contract.Attention{Code: contract.AttentionReplay, Subject: unfinished, Hint: "The controller tries again each minute; see that the domain is healthy",
				Text: fmt.Sprintf("writes are let in, and not all that the snapshot does not carry is here yet: %v", err)})
		}
	}
	if err := r.noteHandOver(ctx); err != nil {
		return err
	}
	if err := r.rebind(ctx, dom, j, all); err != nil {
		return err
	}
	if left || r.unreplayed() {
		return r.forgetGiven(ctx, dom, j)
	}
	return restore.RemoveJournal(ctx, r.Own)
}

// cutShort ends a run of the hand-over; what it has found is kept for the next one.
func (r *run) cutShort(ctx context.Context, why error) error {
	if err := r.noteHandOver(ctx); err != nil {
		r.notice("%v", err)
	}
	return why
}

// isEnd of a run by the ledger's word.
func isEnd(err error) bool { return errors.As(err, new(waiting)) || errors.As(err, new(refusal)) }

// ownNotes: the notes of the switch are of the claim in force, and are kept.
func (r *run) ownNotes() bool { return r.state != nil && r.state.Token == r.led.Token }

// begun notes when the hand-over began: its patience counts from there, whatever is
// cut off.
func (r *run) begun(ctx context.Context) (*handingOver, error) {
	if !r.ownNotes() {
		return &handingOver{Since: r.now}, nil
	}
	if r.state.HandOver != nil {
		return r.state.HandOver, nil
	}
	r.state.HandOver = &handingOver{Since: r.now}
	return r.state.HandOver, r.saveState(ctx)
}

// noteHandOver when anything of it is new.
func (r *run) noteHandOver(ctx context.Context) error {
	if !r.ownNotes() || !r.changed {
		return nil
	}
	r.changed = false
	return r.saveState(ctx)
}

// keepAttention of a code: exactly these are open now.
func (r *run) keepAttention(code string, now []contract.Attention) {
	for _, a := range now {
		r.attend(a.Code, a.Subject, a.Hint, "%s", a.Text)
	}
	if !r.ownNotes() {
		return
	}
	next := slices.DeleteFunc(slices.Clone(r.state.Attention), func(a contract.Attention) bool { return a.Code == code })
	next = append(next, now...)
	if !slices.Equal(next, r.state.Attention) {
		r.state.Attention, r.changed = next, true
	}
}

// tell one more of a code, once.
func (r *run) tell(a contract.Attention) {
	r.attend(a.Code, a.Subject, a.Hint, "%s", a.Text)
	if r.ownNotes() && !slices.Contains(r.state.Attention, a) {
		r.state.Attention = append(slices.DeleteFunc(slices.Clone(r.state.Attention), func(o contract.Attention) bool {
			return o.Code == a.Code && o.Subject == a.Subject
		}), a)
		r.changed = true
	}
}

// unfinished is the subject of a replay that goes on after the writes.
const unfinished = "hand-over"

// untell what was told of a subject and is no longer so.
func (r *run) untell(code, subject string) {
	is := func(a contract.Attention) bool { return a.Code == code && a.Subject == subject }
	r.status.Attention = slices.DeleteFunc(r.status.Attention, is)
	if r.ownNotes() {
		r.state.Attention = slices.DeleteFunc(slices.Clone(r.state.Attention), is)
	}
}

// blocking gives indexes their users' blocks back.
type blocking struct {
	run     *run
	dom     domain.Recovery
	trouble map[string]contract.Attention // by index
	silent  int                           // calls without an answer, in a row
}

func (b *blocking) list() []contract.Attention {
	var out []contract.Attention
	for _, name := range slices.Sorted(maps.Keys(b.trouble)) {
		out = append(out, b.trouble[name])
	}
	return out
}

func (b *blocking) blame(index, hint, format string, a ...any) {
	b.trouble[index] = contract.Attention{Code: contract.AttentionIndexBlocked, Subject: index, Text: fmt.Sprintf(format, a...), Hint: hint}
}

const (
	hintDisk = "Make room on this domain, or lift that block by PUT <index>/_settings; the controller goes on within a minute"
	hintLift = "The controller tries again each minute; by hand it is PUT <index>/_settings with index.blocks.write null"
)

// giveBack the users' blocks instead of ours: first of what is open at the source,
// those without any block in front, then of what was closed there. left says that
// an index waits for a later run.
func (b *blocking) giveBack(ctx context.Context, all []opensearch.Index, j restore.Journal) (left bool, err error) {
	var later error
	for _, open := range []bool{true, false} {
		lots := map[string][]string{} // blocks -> indexes
		for _, i := range all {
			item, ok := j.Items[i.Name]
			if !ok || item.UUID != i.UUID || item.Open != open || !slices.Contains(i.Blocks, "write") {
				continue // handed over already, or never ours; what its user did since stays
			}
			users, foreign := opensearch.UserBlocks(item.Blocks)
			b.run.notCarried(i.Name, append(foreign, item.NotCarried...))
			if slices.Contains(i.Blocks, opensearch.DiskBlock) && (!open && i.Open || !slices.Equal(users, b.own(i))) {
				left = true
				b.blame(i.Name, hintDisk, "it takes no writes: the disk's flood stage of this domain has made it read-only (%s)", opensearch.DiskBlock)
				continue
			}
			if !open && i.Open {
				closed, err := b.run.shut(ctx, b.dom, i.Name)
				switch {
				case err != nil && (ctx.Err() != nil || isEnd(err)):
					return true, err
				case err != nil:
					left = true
					b.blame(i.Name, "The controller tries again each minute; close it by hand if it must not be searched", "it was closed at the source and is open here, without writes: %v", err)
					continue
				case !closed:
					left = true
					continue
				}
			}
			switch {
			case slices.Equal(users, b.own(i)): // its user blocks writes, too
			case slices.Contains(i.Blocks, "read_only") || slices.Contains(i.Blocks, "metadata"):
				lots["one by one"] = append(lots["one by one"], i.Name)
			default:
				key := strings.Join(users, ",")
				lots[key] = append(lots[key], i.Name)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(lots)) { // "", no blocks, is the first
			blocks := strings.FieldsFunc(key, func(c rune) bool { return c == ',' })
			for lot := range opensearch.Lots(lots[key]) {
				var err error
				if key == "one by one" {
					err = b.each(ctx, lot, j)
				} else {
					err = b.lot(ctx, lot, blocks)
				}
				if err != nil && (ctx.Err() != nil || isEnd(err) || b.silent >= silentCalls) {
					return true, err
				}
				later = errors.Join(later, err)
			}
		}
	}
	return left || later != nil || len(b.trouble) > 0, later
}

// silentCalls in a row end a run's hand-over: the next ones would wait in vain.
const silentCalls = 3

func (b *blocking) own(i opensearch.Index) []string {
	own, _ := opensearch.UserBlocks(i.Blocks)
	return own
}

// lot of indexes of equal blocks in one change. One that the engine refuses is
// found by halves, so that it costs the others a few calls and no more.
func (b *blocking) lot(ctx context.Context, names, blocks []string) error {
	if err := b.run.named(ctx); err != nil {
		return err
	}
	err := b.dom.GiveBlocks(ctx, names, blocks)
	switch {
	case err == nil:
		b.silent = 0
		return nil
	case !opensearch.IsRefusal(err):
		b.silent++
		return b.unanswered(names, err)
	case len(names) == 1 && errors.Is(err, opensearch.ErrNotFound):
		return nil // it is gone meanwhile, and needs nothing
	case len(names) == 1:
		b.refused(names[0], err)
		return nil
	}
	b.silent = 0
	half := len(names) / 2
	return errors.Join(b.lot(ctx, names[:half], blocks), b.lot(ctx, names[half:], blocks))
}

func (b *blocking) refused(name string, err error) {
	hint := hintLift
	if opensearch.IsDiskBlocked(err) {
		hint = hintDisk
	}
	b.blame(name, hint, "it takes no writes: this domain refuses to lift the block of the restore: %v", err)
}

func (b *blocking) unanswered(names []string, err error) error {
	for _, n := range names {
		b.blame(n, hintLift, "whether it takes writes is not known: the lift of the restore's block has no answer: %v", err)
	}
	return fmt.Errorf("give %d indexes their users' blocks: %w", len(names), err)
}

// each of those whose user has set a block meanwhile under which nothing but that
// block can be changed.
func (b *blocking) each(ctx context.Context, names []string, j restore.Journal) error {
	var later error
	for _, name := range names {
		if err := b.run.named(ctx); err != nil {
			return err
		}
		users, _ := opensearch.UserBlocks(j.Items[name].Blocks)
		switch err := b.dom.SetBlocks(ctx, name, users); {
		case err == nil, errors.Is(err, opensearch.ErrNotFound):
			b.silent = 0
		case opensearch.IsRefusal(err):
			b.silent = 0
			b.refused(name, err)
		default:
			b.silent++
			later = errors.Join(later, b.unanswered([]string{name}, err))
			if b.silent >= silentCalls || ctx.Err() != nil {
				return later
			}
		}
	}
	return later
}

// shut an index that was closed at the source: the restore opened it. False: not
// yet. One that nothing closes here is named in every later answer, too.
func (r *run) shut(ctx context.Context, dom domain.Recovery, name string) (bool, error) {
	if err := r.named(ctx); err != nil {
		return false, err
	}
	switch err := dom.Close(ctx, name); {
	case err == nil, errors.Is(err, opensearch.ErrNotFound):
		return true, nil
	case opensearch.IsSnapshotRunning(err):
		r.notice("index %s is closed, as it was at the source, when the snapshot that copies it ends; until then it takes no writes", name)
		return false, nil
	case errors.Is(err, opensearch.ErrNotOffered), errors.Is(err, opensearch.ErrWriteIndex):
		if !r.ownNotes() || slices.Contains(r.state.Opened, name) {
			return true, nil
		}
		r.state.Opened = append(r.state.Opened, name)
		return true, r.saveState(ctx)
	default:
		return false, fmt.Errorf("close index %s, as it was at the source: %w", name, err)
	}
}

// notCarried are blocks of the source's own disks and nodes.
func (r *run) notCarried(index string, blocks []string) {
	if !r.ownNotes() {
		return
	}
	for _, block := range blocks {
		if text := index + ": " + block; !slices.Contains(r.state.NotCarried, text) {
			r.state.NotCarried = append(r.state.NotCarried, text)
			r.changed = true
		}
	}
}

// forgetGiven drops the indexes that are handed over from the journal of restores,
// while others are not: a block that their users set from now on is theirs (H24).
func (r *run) forgetGiven(ctx context.Context, dom domain.Recovery, j restore.Journal) error {
	if r.unreplayed() {
		return nil // the aliases are still to be made for exactly these
	}
	all, err := dom.Indices(ctx)
	if err != nil {
		return err
	}
	waits := map[string]bool{}
	for _, i := range all {
		item, ok := j.Items[i.Name]
		if !ok || item.UUID != i.UUID {
			continue
		}
		users, _ := opensearch.UserBlocks(item.Blocks)
		own, _ := opensearch.UserBlocks(i.Blocks)
		waits[i.Name] = slices.Contains(i.Blocks, "write") && (!slices.Equal(users, own) || !item.Open && i.Open)
	}
	dropped := false
	for name := range j.Items {
		if !waits[name] {
			delete(j.Items, name)
			dropped = true
		}
	}
	if !dropped {
		return nil
	}
	return j.Save(ctx, r.Own)
}
