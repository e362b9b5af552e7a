package bench

import "github.com/xylem-im/xylem/bench/load"

// unit is how many sessions cannot be parted: they are in one process.
func unit(s *load.Settings) int {
	switch s.Scenario {
	case load.Presence, load.Mix:
		return s.Fanout + 1
	case load.S2S:
		return load.Quartet
	}
	return 2
}

// split makes the jobs of as many processes as the limit of open files needs.
// In slow those who stall and those who flood them have processes of their own, so that
// what measures the users is not busy with the flood.
func (p *Plan) split(job load.Job) []load.Job {
	if job.Scenario != load.Slow {
		return p.divide(job)
	}
	users := job
	users.Extra = 0
	return append(p.divide(users), p.crowds(job)...)
}

// divide parts the sessions. Pairs and groups stay together.
func (p *Plan) divide(job load.Job) (jobs []load.Job) {
	unit := unit(&job.Settings)
	units := job.Sessions / unit
	n := 1
	if most := atOnce(&job.Settings); most > p.PerGenerator {
		perUnit := (most + units - 1) / units
		each := max(1, p.PerGenerator/perUnit) // units of one process
		n = (units + each - 1) / each
	}
	for i := range n {
		j := job
		first, end := units*i/n, units*(i+1)/n
		j.First, j.Count = first*unit, (end-first)*unit
		j.ExtraFirst, j.ExtraCount = part(&job, i, n)
		j.Share = float64(end-first) / float64(units)
		jobs = append(jobs, j)
	}
	return jobs
}

// crowds parts the extra sessions of slow, without any other.
func (p *Plan) crowds(job load.Job) (jobs []load.Job) {
	n := min((job.Extra+p.PerGenerator-1)/p.PerGenerator, job.Extra/load.LeastCrowd)
	for i := range n {
		j := job
		j.First, j.Count = job.Sessions, 0
		j.ExtraFirst, j.ExtraCount = part(&job, i, n)
		j.Share = float64(j.ExtraCount) / float64(job.Extra)
		jobs = append(jobs, j)
	}
	return jobs
}

// part is process i's part of the extra accounts, of n processes.
func part(job *load.Job, i, n int) (first, count int) {
	from, to := job.Extra*i/n, job.Extra*(i+1)/n
	return job.Sessions + from, to - from
}
