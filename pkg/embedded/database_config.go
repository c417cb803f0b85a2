package embedded

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// serverConfig is the server's configuration: sizes for a laptop, and a log
// that cannot fill the disk. %s: the data folder, twice.
const serverConfig = `<clickhouse>
  <users_config>%[1]s/users.xml</users_config>
  <logger>
    <log>%[1]s/engine.log</log>
    <size>10M</size>
    <count>2</count>
  </logger>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>134217728</mark_cache_size>
  <primary_index_cache_size>67108864</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <max_concurrent_queries>200</max_concurrent_queries>
  <backups><allowed_path>%[1]s/backups/</allowed_path></backups>
  <merge_tree>
    <!-- The defaults expect a pool of 16 threads, and would hold merges and mutations back here. -->
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`

// passwordFile is the file of the password, in the data folder.
const passwordFile = "password"

// usersConfig: default is the local session itself, which only opens the
// listeners; whoever else is default, which the shield allows over HTTP only, may
// do just that. All rights are with the user whose password is generated.
// %s: name, SHA-256 of the password.
const usersConfig = `<clickhouse>
  <profiles><default><async_insert>0</async_insert></default></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
    <%[1]s>
      <password_sha256_hex>%[2]s</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants>
    </%[1]s>
  </users>
</clickhouse>
`

// engineArgs are the arguments of clickhouse-local that make it a server.
func engineArgs(dir string, tcpPort, httpPort int) []string {
	return []string{
		"--path=" + filepath.Join(dir, "data"),
		"--config-file=" + filepath.Join(dir, "config.xml"),
		"--log-level=warning",
		"--listen_host=" + loopback,
		fmt.Sprintf("--tcp_port=%d", tcpPort),
		fmt.Sprintf("--http_port=%d", httpPort),
		"--query", "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " + blockingQuery,
	}
}

// childEnvironment is what the engine sees of our environment: no secrets.
func childEnvironment() []string {
	// Go's preemption signals would interrupt system calls of the engine.
	// A binary built with -race would take a second to exit.
	env := []string{"TZ=UTC", "GODEBUG=asyncpreemptoff=1", "GORACE=atexit_sleep_ms=0"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// writeConfig writes both configuration files into the data folder and returns
// the password, which it makes on the first start and keeps.
func writeConfig(dir string) (password string, err error) {
	password, err = ensurePassword(filepath.Join(dir, passwordFile))
	if err != nil {
		return "", err
	}
	var escaped bytes.Buffer
	if err := xml.EscapeText(&escaped, []byte(dir)); err != nil {
		return "", fmt.Errorf("write engine config: %w", err)
	}
	hash := sha256.Sum256([]byte(password))
	files := map[string]string{
		"config.xml": fmt.Sprintf(serverConfig, escaped.String()),
		"users.xml":  fmt.Sprintf(usersConfig, databaseUser, hex.EncodeToString(hash[:])),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write engine config: %w", err)
		}
	}
	return password, nil
}

// ensurePassword reads the password, or makes one of 192 random bits and stores
// it with mode 0600.
func ensurePassword(path string) (string, error) {
	stored, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(stored)) > 0 {
		return strings.TrimSpace(string(stored)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read database password: %w", err)
	}
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails
	password := hex.EncodeToString(secret)
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store database password: %w", err)
	}
	return password, nil
}
