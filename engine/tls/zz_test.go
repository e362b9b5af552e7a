package tls_test
import ("testing";"os";"runtime";"runtime/pprof"; xtls "github.com/xylem-im/xylem/engine/tls")
func TestZZ(t *testing.T){
	runtime.MemProfileRate=1
	scfg, ccfg := serverConfig(t), clientConfig(versions[os.Getenv("V")])
	plain := make([]byte, 400)
	kept := make([]*xtls.Filter, 1000)
	for i := range kept {
		client, server := xtls.Client(ccfg), xtls.Server(scfg)
		shake(t, client, server, 0)
		expect(t, server, encrypt(t, client, plain), plain)
		expect(t, client, encrypt(t, server, plain), plain)
		client.Close(); server.Forget(); kept[i]=server
	}
	heap()
	f,_ := os.Create("/tmp/zz.mem"); pprof.WriteHeapProfile(f); f.Close()
	runtime.KeepAlive(kept)
}
