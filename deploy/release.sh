#!/usr/bin/env bash
# Makes the archives of a release:
#
#	deploy/release.sh v0.1.0 [FOLDER]
#
# static binaries for Linux, macOS and Windows, each with licence, changelog and the
# files of deploy/, and SHA256SUMS beside them, in FOLDER (default dist/VERSION). The
# same tree gives the same bytes. The models of all releases so far must load.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:?want a version as v0.1.0}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "release: version is $version, want one as v0.1.0" >&2; exit 2; }
out=${2:-dist/$version}
grep -q "^## $version" CHANGELOG.md || { echo "release: CHANGELOG.md says nothing of $version" >&2; exit 1; }
[ -d "modelfile/testdata/releases/$version" ] || {
	echo "release: there are no golden models of $version; go test ./modelfile -run Releases -release $version writes them" >&2
	exit 1
}
go test -run Releases ./modelfile

mkdir -p "$out"
rm -f "$out"/hourglass-* "$out"/SHA256SUMS
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
export TZ=UTC
stamp='2026-01-01 00:00:00 UTC' # of all files, so that the archives do not depend on the day

for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do
	os=${target%/*} arch=${target#*/}
	name=hourglass-$version-$os-$arch
	binary=hourglass
	[ "$os" = windows ] && binary=hourglass.exe
	mkdir -p "$stage/$name"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$version" \
		-o "$stage/$name/$binary" ./cmd/hourglass
	what=$(file -b "$stage/$name/$binary")
	case $os in
	linux) [[ $what == *"statically linked"* ]] || { echo "release: $name is not static: $what" >&2; exit 1; } ;;
	darwin) [[ $what == *Mach-O* ]] || { echo "release: $name is no program for macOS: $what" >&2; exit 1; } ;;
	windows) [[ $what == *PE32+* ]] || { echo "release: $name is no program for Windows: $what" >&2; exit 1; } ;;
	esac
	cp -r LICENSE CHANGELOG.md deploy "$stage/$name/"
	rm "$stage/$name/deploy/release.sh"
	find "$stage/$name" -exec touch -d "$stamp" {} +
	if [ "$os" = windows ]; then
		(cd "$stage" && find "$name" -type f | LC_ALL=C sort | zip -q -X -@ "$name.zip") && mv "$stage/$name.zip" "$out/"
	else
		tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="$stamp" -cf - "$name" | gzip -9 -n >"$out/$name.tar.gz"
	fi
	echo "$name: $what"
done
(cd "$out" && sha256sum hourglass-* >SHA256SUMS)
ls -l "$out"
