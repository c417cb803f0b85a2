package scorecard

import "plumbline/pkg/audit"

// annsDispute is one that Ann raises, othersDispute one that somebody else has raised.
const (
	annsDispute   = "00000000-0000-4000-8000-0000000000d2"
	othersDispute = "00000000-0000-4000-8000-0000000000d3"
)

// disputeDeeds are those about disputes and annotations, for [bench.deeds].
func (b *bench) disputeDeeds() []deed {
	return []deed{
		{
			"POST /api/v1/disputes", "/api/v1/disputes", `{"id":"` + annsDispute + `","workflow":"post","direction":"too_high","from":"2026-10-01","text":"` + secret + `"}`,
			201, audit.DisputeRaise, "dispute " + annsDispute, true, false,
		},
		{"POST /api/v1/disputes/:id/comments", "/api/v1/disputes/" + annsDispute + "/comments", `{"id":"` + b.newID() + `","text":"` + secret + `"}`, 201, audit.DisputeComment, "dispute " + annsDispute, true, false},
		{"PUT /api/v1/disputes/:id/support", "/api/v1/disputes/" + othersDispute + "/support", "", 200, audit.DisputeSupport, "dispute " + othersDispute, true, false},
		{"DELETE /api/v1/disputes/:id/support", "/api/v1/disputes/" + othersDispute + "/support", "", 200, audit.DisputeSupport, "dispute " + othersDispute, true, false},
		{"POST /api/v1/disputes/:id/resolve", "/api/v1/disputes/" + othersDispute + "/resolve", `{"id":"` + b.newID() + `","decision":"reject","text":"` + secret + `"}`, 200, audit.DisputeResolve, "dispute " + othersDispute, true, false},
		{"POST /api/v1/disputes/:id/withdraw", "/api/v1/disputes/" + annsDispute + "/withdraw", `{"id":"` + b.newID() + `"}`, 200, audit.DisputeWithdraw, "dispute " + annsDispute, true, false},
		{"POST /api/v1/annotations", "/api/v1/annotations", `{"id":"00000000-0000-4000-8000-0000000000d4","day":"2026-10-05","text":"` + secret + `"}`, 201, audit.AnnotationWrite, "annotations 00000000-0000-4000-8000-0000000000d4", true, false},
		{"DELETE /api/v1/annotations/*key", "/api/v1/annotations/launch", "", 200, audit.AnnotationWithdraw, "annotations launch", true, false},
	}
}
