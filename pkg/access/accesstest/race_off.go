//go:build !race

package accesstest

const raceDetector = false
