package access

import "slices"

// Capability is something that a role may read or change. ROLES.md has the same table for people; a test holds the two
// equal.
type Capability string

// The capabilities. Each check of a service asks for one of them, never for a role.
const (
	// ReadNumbers is every number of the organisation, above the privacy floor.
	ReadNumbers Capability = "read_numbers"
	// ReadOwn is what stands on the viewer's own events, live and without the floor.
	ReadOwn Capability = "read_own"
	// LogOwn is logging, changing and withdrawing outcomes of one's own: for who is signed in as a person.
	LogOwn Capability = "log_own"
	// ResolveBarriers is saying that a barrier is cleared, and taking one that somebody else has; its owner may say so, too.
	ResolveBarriers Capability = "resolve_barriers"
	// DisputeBaselines is disputing the baseline of a workflow, commenting and supporting that: for who is signed in as a person.
	DisputeBaselines Capability = "dispute_baselines"
	// ResolveDisputes is accepting and rejecting disputes of any baseline; the owner of its workflow may do so, too.
	ResolveDisputes Capability = "resolve_disputes"
	// Annotate is putting remarks on days and taking them away.
	Annotate Capability = "annotate"
	// ReadRegistry is what is declared: workflows, teams, rates, targets and the rest.
	ReadRegistry Capability = "read_registry"
	// ReadRejectSummary is how much was not counted, and why.
	ReadRejectSummary Capability = "read_reject_summary"
	// ListRejects is single rejects: their source, id and reason.
	ListRejects Capability = "list_rejects"
	// WatchEvents is the live tail of what comes in, without its content.
	WatchEvents Capability = "watch_events"
	// ChangeRegistry is writing registry entries, but for those of people and for where things are sent to.
	ChangeRegistry Capability = "change_registry"
	// ChangePeople is writing the entries of people, which have their roles: who may do that may do everything.
	ChangePeople Capability = "change_people"
	// ReadRawRejects is the bytes of rejects, and rejects that name no workspace.
	ReadRawRejects Capability = "read_raw_rejects"
	// ReplayRejects is sending rejects again.
	ReplayRejects Capability = "replay_rejects"
	// ErasePersons is erasing a person, and seeing who was erased and by whom.
	ErasePersons Capability = "erase_persons"
	// ReadAudit is who has read evidence and who has changed what.
	ReadAudit Capability = "read_audit"
	// Administer is keys, sessions of others, settings, and where numbers are sent to.
	Administer Capability = "administer"
)

// Permission says which roles have a capability.
type Permission struct {
	Capability Capability
	Roles      []Role
}

// Permissions is the table of what each role may read and change, in the order of ROLES.md.
func Permissions() []Permission {
	everybody, editors, admins := Roles(), []Role{RoleAnalyst, RoleAdmin}, []Role{RoleAdmin}
	return []Permission{
		{ReadNumbers, everybody},
		{ReadOwn, everybody},
		{LogOwn, everybody},
		{ResolveBarriers, []Role{RoleLeader, RoleAnalyst, RoleAdmin}},
		{DisputeBaselines, everybody},
		{ResolveDisputes, admins},
		{Annotate, []Role{RoleLeader, RoleAnalyst, RoleAdmin}},
		{ReadRegistry, everybody},
		{ReadRejectSummary, everybody},
		{ListRejects, editors},
		{WatchEvents, editors},
		{ChangeRegistry, editors},
		{ChangePeople, admins},
		{ReadRawRejects, admins},
		{ReplayRejects, admins},
		{ErasePersons, admins},
		{ReadAudit, admins},
		{Administer, admins},
	}
}

// Roles are all roles, from the least to the most.
func Roles() []Role { return []Role{RoleIC, RoleLeader, RoleAnalyst, RoleAdmin} }

// May tells whether the role has a capability. What is no role, or no capability, may nothing.
func (r Role) May(c Capability) bool {
	return slices.ContainsFunc(Permissions(), func(p Permission) bool { return p.Capability == c && slices.Contains(p.Roles, r) })
}
