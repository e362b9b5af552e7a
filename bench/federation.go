package bench

import (
	"context"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/report"
)

// federation compares messages between two servers with those within each. A
// message between them is dealt with by both.
func (r *run) federation(ctx context.Context) error {
	if err := r.connect(ctx, 1, 1); err != nil {
		return err
	}
	local, err := r.phase(ctx, load.PhaseLocal, true)
	if err != nil {
		return err
	}
	r.common(local)
	r.messages(local)
	r.move(report.CPUPerMessage, report.LocalCPU)
	r.move(report.MessagesPerSec, report.LocalPerSec)
	remote, err := r.phase(ctx, load.PhaseRemote, true)
	if err != nil {
		return err
	}
	r.out.Series = nil // one curve: that of federation
	r.common(remote)
	r.messages(remote)
	n := float64(remote.counters[load.CountDelivered])
	for i, key := range []string{report.FirstCPU, report.SecondCPU} {
		if i < len(remote.servers) {
			r.cpuPer(key, remote, remote.servers[i], n, time.Microsecond)
		}
	}
	f := r.out.Figures
	if local := f[report.LocalCPU]; local > 0 && f[report.FirstCPU] > 0 && f[report.SecondCPU] > 0 {
		r.set(report.FederationRatio, max(f[report.FirstCPU], f[report.SecondCPU])/local)
	}
	return nil
}

// move gives a figure, if there is one, another name.
func (r *run) move(from, to string) {
	if v, ok := r.out.Figures[from]; ok {
		r.set(to, v)
		delete(r.out.Figures, from)
	}
}
