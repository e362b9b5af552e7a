// Package script plays XMPP conversations that are written down as text: what
// each named client sends and, in full, what it receives.
//
// A play names its cast, then its steps. Blocks are indented by a tab; lines
// that begin with # are comments.
//
//	# A message to a full address arrives with the sender's address.
//	client alice = alice@localhost/phone
//	client bob = bob@localhost/desk
//
//	alice connects
//	bob connects
//
//	alice sends
//		<message to="{bob}" id="{id:m1}"><body>Hello</body></message>
//	bob receives
//		<message from="{alice}" to="{bob}" id="{m1}"><body>Hello</body></message>
//	alice receives nothing
//
// # Cast
//
//	client NAME = JID [password P] [mechanism M]   logs in; without a resource the server makes one
//	raw NAME                                       bytes only: nothing is negotiated for it
//
// # Steps
//
//	NAME connects            opens a stream: STARTTLS if Options.TLS, SASL, bind; raw: the connection only
//	NAME cannot connect      the block is what ends the login: <failure/>, <stream:error/>
//	NAME sends               the block, as it stands
//	NAME receives            the block, in this order, and nothing missing
//	NAME receives in any order
//	NAME receives nothing    nothing came until all clients heard a mark that each sent to each
//	NAME syncs               the server has handled all that NAME sent
//	NAME starts tls          raw: after it received <proceed/>
//	NAME is disconnected     the connection ended, with nothing before
//	NAME disconnects         </stream:stream> both ways, with nothing before
//	NAME drops               the connection is cut
//
// A play is compared with the full trace: what a client received and no step
// expected is a failure, at the latest at the end.
//
// # Blocks
//
// The lines of a block are joined: within a tag a line break is a space,
// elsewhere it is nothing. The default namespace is jabber:client and the
// prefix stream is declared. <stream:stream …> alone is a stream header,
// </stream:stream> the end of one. Elements are compared by expanded names:
// prefixes, the order of attributes and the way characters are escaped do not
// matter; everything else does, white space too.
//
//	{any}            in what is expected: any characters, perhaps none
//	{optional}       as a whole attribute: any value, or no such attribute
//	{id:NAME}        expected: anything, remembered as NAME; sent: a new value, remembered
//	{NAME}           what is remembered, or a client's full JID
//	{NAME.bare} {NAME.local} {NAME.domain} {NAME.resource}   parts of a client's JID
//	{repeat:N:TEXT} {hex:00ff} {plain:USER:PASSWORD}         sent only; the last is SASL PLAIN in base64
//	{{               a brace
//
// On an expected element play:more="attributes", "children" or "all" lets it
// have more than stated, and play:order="any" frees the order of its children.
//
// With Options.Rewrite, blocks that differ are replaced by what was received;
// an empty receives block takes all there is. Review the change as a diff.
//
// The package knows neither the engine nor the network: Options and a function
// that makes connections are all it gets, so that the same play runs
// against an engine in the same process and against any server over TCP. It
// reads XML with encoding/xml, so that the server's parser is not its own judge.
package script
