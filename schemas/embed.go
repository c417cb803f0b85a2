// Package schemas is the contract of Plumbline as files: the JSON Schemas of events, the description of the HTTP API
// and the migrations of the warehouse. It holds no logic. It is a module of its own because go:embed cannot climb out
// of a module's folders.
package schemas

import (
	"embed"
	"io/fs"

	"plumbline/schemas/clickhouse"
)

//go:embed events/*.json
var files embed.FS

// OpenAPI is the description of the HTTP API, OpenAPI 3.1 in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// SchemaBase is what the $id of every JSON Schema starts with; the rest is the file name in [Events].
const SchemaBase = "https://plumbline.example/schemas/events/"

var (
	// Events holds the JSON Schemas: envelope.json, common.json and <kind>.v1.json for every kind.
	Events = folder("events")
	// ClickHouse holds the migrations of the warehouse, in the order of their names.
	ClickHouse fs.FS = clickhouse.Migrations
)

func folder(name string) fs.FS {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic("schemas: " + err.Error()) // only for a name that is no path
	}
	return sub
}
