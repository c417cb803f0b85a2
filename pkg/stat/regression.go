package stat

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// ErrorKind says which standard errors of a regression are meant.
type ErrorKind string

// Standard errors of a regression.
const (
	// Ordinary errors assume one variance for all rows: s²(XᵀX)⁻¹, s² = RSS/(n−k).
	Ordinary ErrorKind = "ordinary"
	// HC3 errors allow each row its own variance, residuals divided by 1 − leverage
	// (MacKinnon and White 1985).
	HC3 ErrorKind = "hc3"
	// Clustered errors (CR1) allow rows of one cluster to move together, with the
	// factor G/(G−1)·(n−1)/(n−k) (Liang and Zeger 1986). Their intervals use Student's
	// t on G−1 degrees of freedom, G the number of clusters, since it is clusters and
	// not rows that are independent; the other kinds use normal quantiles.
	Clustered ErrorKind = "clustered"
)

// Fit is a least-squares regression. Coef[0] is the intercept, Coef[i] belongs
// to column i−1 of the regressors; SE has the same order for each kind. Unknown
// errors are NaN.
type Fit struct {
	Coef     []float64
	SE       map[ErrorKind][]float64
	N        int64
	Clusters int64
	Warnings []Warning
}

// Estimate is coefficient i with its interval: normal quantiles, or t on G−1
// degrees of freedom for clustered errors.
func (f Fit) Estimate(i int, kind ErrorKind, level float64) Estimate {
	if i < 0 || i >= len(f.Coef) {
		return undefined(level, f.N, f.Warnings...)
	}
	df := math.Inf(1)
	if kind == Clustered {
		df = float64(f.Clusters - 1)
	}
	e := around(f.Coef[i], f.SE[kind][i], df, level, f.N)
	return e.warn(f.Warnings...)
}

// Regress fits y on an intercept and the columns of x by QR. Each row of x has
// the same length; cluster names the group of each row (nil: every row is its
// own). With n ≤ k rows or dependent columns the fit has no coefficients and
// carries the reason.
func Regress(y []float64, x [][]float64, cluster []string) Fit {
	fit := Fit{N: int64(len(y)), SE: map[ErrorKind][]float64{}}
	if len(y) == 0 {
		fit.Warnings = []Warning{WarnNoData}
		return fit
	}
	if len(x) != len(y) || (cluster != nil && len(cluster) != len(y)) {
		fit.Warnings = []Warning{WarnInvalidInput}
		return fit
	}
	n, k := len(y), len(x[0])+1
	if n <= k {
		fit.Warnings = []Warning{WarnTooFew}
		return fit
	}
	design, ok := designMatrix(y, x, k)
	if !ok {
		fit.Warnings = []Warning{WarnInvalidInput}
		return fit
	}
	var qr mat.QR
	qr.Factorize(design)
	// Past a condition of 1e12 four digits of the answer are left at best.
	if cond := qr.Cond(); math.IsNaN(cond) || cond > 1e12 {
		fit.Warnings = []Warning{WarnSingular}
		return fit
	}
	var beta mat.VecDense
	if err := qr.SolveVecTo(&beta, false, mat.NewVecDense(n, y)); err != nil {
		fit.Warnings = []Warning{WarnSingular}
		return fit
	}
	fit.Coef = append([]float64(nil), beta.RawVector().Data...)
	fit.addErrors(design, residuals(y, design, &beta), bread(&qr, k), cluster)
	return fit
}

// designMatrix puts the intercept in front; false when a row has another length
// or a number is not finite.
func designMatrix(y []float64, x [][]float64, k int) (*mat.Dense, bool) {
	design := mat.NewDense(len(y), k, nil)
	for i, row := range x {
		if len(row) != k-1 || !finite(y[i]) {
			return nil, false
		}
		design.Set(i, 0, 1)
		for j, v := range row {
			if !finite(v) {
				return nil, false
			}
			design.Set(i, j+1, v)
		}
	}
	return design, true
}

func residuals(y []float64, design *mat.Dense, beta *mat.VecDense) []float64 {
	var fitted mat.VecDense
	fitted.MulVec(design, beta)
	out := make([]float64, len(y))
	for i := range y {
		out[i] = y[i] - fitted.AtVec(i)
	}
	return out
}

// bread is (XᵀX)⁻¹ = R⁻¹R⁻ᵀ, without ever forming XᵀX.
func bread(qr *mat.QR, k int) *mat.Dense {
	var full mat.Dense
	qr.RTo(&full)
	upper := mat.NewTriDense(k, mat.Upper, nil)
	for i := range k {
		for j := i; j < k; j++ {
			upper.SetTri(i, j, full.At(i, j))
		}
	}
	var inverse mat.TriDense
	// The condition was checked by the caller; a warning of InverseTri repeats it.
	_ = inverse.InverseTri(upper)
	var out mat.Dense
	out.Mul(&inverse, inverse.T())
	return &out
}

// addErrors fills the three kinds of standard errors.
func (f *Fit) addErrors(design *mat.Dense, resid []float64, bread *mat.Dense, cluster []string) {
	n, k := design.Dims()
	rss := 0.0
	for _, e := range resid {
		rss += e * e
	}
	ordinary := make([]float64, k)
	for j := range k {
		ordinary[j] = math.Sqrt(rss / float64(n-k) * bread.At(j, j))
	}
	f.SE[Ordinary] = ordinary

	scaled := make([]float64, n)
	for i := range n {
		scaled[i] = resid[i] / (1 - leverage(design.RawRowView(i), bread))
	}
	f.SE[HC3] = sandwich(design, scaled, bread, nil, 1)

	groups, count := clusterIndex(cluster, n)
	f.Clusters = int64(count)
	if count < 10 {
		f.Warnings = append(f.Warnings, WarnFewClusters)
	}
	g, m := float64(count), float64(n)
	f.SE[Clustered] = sandwich(design, resid, bread, groups, g/(g-1)*(m-1)/(m-float64(k)))
}

// leverage is xᵀ(XᵀX)⁻¹x.
func leverage(row []float64, bread *mat.Dense) float64 {
	h := 0.0
	for i, a := range row {
		for j, b := range row {
			h += a * b * bread.At(i, j)
		}
	}
	return h
}

// clusterIndex numbers clusters in order of appearance.
func clusterIndex(cluster []string, n int) (index []int, count int) {
	index = make([]int, n)
	if cluster == nil {
		for i := range index {
			index[i] = i
		}
		return index, n
	}
	seen := map[string]int{}
	for i, name := range cluster {
		g, ok := seen[name]
		if !ok {
			g = len(seen)
			seen[name] = g
		}
		index[i] = g
	}
	return index, len(seen)
}

// sandwich is sqrt(diag(factor · B (Σ s sᵀ) B)), the scores s = Σ x·e summed
// within groups (nil: each row alone).
func sandwich(design *mat.Dense, resid []float64, bread *mat.Dense, groups []int, factor float64) []float64 {
	n, k := design.Dims()
	if groups == nil {
		groups, _ = clusterIndex(nil, n)
	}
	count := 0
	for _, g := range groups {
		count = max(count, g+1)
	}
	scores := mat.NewDense(count, k, nil)
	for i := range n {
		for j := range k {
			scores.Set(groups[i], j, scores.At(groups[i], j)+design.At(i, j)*resid[i])
		}
	}
	var half mat.Dense
	half.Mul(scores, bread)
	out := make([]float64, k)
	for j := range k {
		sum := 0.0
		for g := range count {
			sum += half.At(g, j) * half.At(g, j)
		}
		out[j] = math.Sqrt(factor * sum)
	}
	return out
}
