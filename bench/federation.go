package bench

import (
	"context"

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
	localCPU := r.out.Figures[report.CPUPerMessage]
	r.set(report.LocalCPU, localCPU)
	r.set(report.LocalPerSec, r.out.Figures[report.MessagesPerSec])
	remote, err := r.phase(ctx, load.PhaseRemote, true)
	if err != nil {
		return err
	}
	r.out.Series = nil // one curve: that of federation
	r.common(remote)
	r.messages(remote)
	n := float64(remote.counters[load.CountDelivered])
	if !remote.measured || n == 0 {
		return nil
	}
	most := 0.0
	for i, key := range []string{report.FirstCPU, report.SecondCPU} {
		cpu := micros(remote.servers[i].Total()) / n
		r.set(key, cpu)
		most = max(most, cpu)
	}
	r.set(report.FederationRatio, most/localCPU)
	return nil
}
