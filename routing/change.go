package routing

// change is an account that may get other sessions, in a shard that is locked
// for it until release.
type change struct {
	accounts *accounts
	local    string
	hash     uint64
	shard    *shard
	old      record // none when the account has no sessions
}

const (
	// shardGroups is the full size of a shard, of 384 slots.
	shardGroups = 32
	// shardWords is the size of records beyond which a shard is divided though
	// it has slots, 256 KiB, as long as it has more than shardAccounts.
	shardWords, shardAccounts = 32 << 10, 16
)

// change locks an account.
func (a *accounts) change(local string) change {
	h := a.hash(local)
	for {
		dir := a.directory()
		s := dir.shards[dir.place(h)].Load()
		s.mu.Lock()
		if !s.split {
			return change{a, local, h, s, s.find(h, local)}
		}
		s.mu.Unlock()
	}
}

// release ends the change, which others have seen before it is counted.
func (c *change) release() {
	c.accounts.changes.Add(1)
	c.shard.mu.Unlock()
}

// find is the index of the session that has the resource, -1 unless that is mb.
func (c *change) find(resource string, mb Mailbox) int {
	i, name := c.old.find(resource)
	if i >= 0 && c.old.entry(i, name).Mailbox != mb {
		return -1
	}
	return i
}

// put gives the account these sessions. Their names are copied, and may be those
// of the old record.
func (c *change) put(entries []Entry) {
	words := recordWords(c.local, entries)
	if c.old.none() {
		c.makeSlot()
	}
	c.makeRoom(words)
	offset := c.shard.write(words, c.local, entries)
	if c.old.none() {
		c.shard.insert(c.hash, offset)
		return
	}
	c.shard.replace(c.hash, c.old, offset)
}

// remove takes the account out, and gives back memory when much is not used.
func (c *change) remove() {
	s := c.shard
	s.remove(c.hash, c.old)
	groups := int(s.groups)
	if s.bits == 0 && int(s.live) < groups {
		groups = groupsFor(int(s.live))
	}
	if groups < int(s.groups) || int(s.dead) > s.liveWords()+groups*groupWords {
		c.rebuild(groups, 0)
	}
}

// makeSlot makes sure that the shard may take another slot.
func (c *change) makeSlot() {
	for c.shard.isFull() {
		switch s := c.shard; {
		case int(s.live) >= shardGroups*groupSlots/2:
			c.divide()
		case s.bits > 0:
			c.rebuild(shardGroups, 0)
		default:
			c.rebuild(groupsFor(int(s.live)+1), 0)
		}
	}
}

// makeRoom makes sure that a record of so many words can be written.
func (c *change) makeRoom(words int) {
	for !c.shard.hasRoom(words) {
		if s := c.shard; s.live > shardAccounts && s.liveWords() > shardWords {
			c.divide()
			continue
		}
		c.rebuild(int(c.shard.groups), words)
	}
}

// groupsFor is a number of which live accounts fill three slots of four at most,
// unless that is more than a shard has.
func groupsFor(live int) int {
	groups := 1
	for groups < shardGroups && 3*groups*groupSlots < 4*live {
		groups *= 2
	}
	return groups
}

// rebuild moves the accounts to a new chunk, with room for a record of so many
// words and an eighth more than there are. Readers of the old chunk find what
// was there until now.
func (c *change) rebuild(groups, words int) {
	s, live := c.shard, c.shard.liveWords()
	next := newShard(s.bits, groups, live+live/8+words)
	for r := range s.chunk().all(int(s.groups)) {
		next.insert(c.accounts.hash(r.localpart()), next.copy(r))
	}
	s.groups, s.used, s.next, s.dead, s.words = next.groups, next.used, next.next, 0, next.words
	c.accounts.publish(s, c.hash)
	c.old = s.find(c.hash, c.local)
}

// divide moves the accounts to two new shards, and locks that of the account
// instead.
func (c *change) divide() {
	s, groups := c.shard, int(c.shard.groups)
	half := func(h uint64) int { return int(h >> (63 - s.bits) & 1) }
	var words [2]int
	for r := range s.chunk().all(groups) {
		words[half(c.accounts.hash(r.localpart()))] += r.words()
	}
	var halves [2]*shard
	for i, live := range words {
		halves[i] = newShard(s.bits+1, shardGroups, live+live/8)
	}
	for r := range s.chunk().all(groups) {
		h := c.accounts.hash(r.localpart())
		to := halves[half(h)]
		to.insert(h, to.copy(r))
	}
	c.shard = halves[half(c.hash)]
	c.shard.mu.Lock()
	c.accounts.publishHalves(halves, c.hash)
	s.split = true
	s.mu.Unlock()
	c.old = c.shard.find(c.hash, c.local)
}
