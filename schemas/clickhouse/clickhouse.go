// Package clickhouse holds the migrations of the warehouse, in the order of their names. A file that was released is
// never edited: a change is a new file. Statements end with ";" at the end of a line and are separated by an empty
// line, so that no parser of SQL is needed to run them one by one.
package clickhouse

import "embed"

// Migrations are the files 0001_….sql and on.
//
//go:embed *.sql
var Migrations embed.FS
