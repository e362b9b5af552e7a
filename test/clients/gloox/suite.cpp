// gloox against the server named by the environment, over a compressed stream (XEP-0138). Prints a line for each test, as
// slixmpp/suite.py does: "ok NAME" or "not ok NAME: why". XYLEM_C2S is as there.

#include <gloox/client.h>
#include <gloox/connectionlistener.h>
#include <gloox/logsink.h>
#include <gloox/message.h>
#include <gloox/messagehandler.h>

#include <cstdlib>
#include <iostream>
#include <string>

using namespace gloox;

class Test : public ConnectionListener, public MessageHandler, public LogHandler {
public:
	bool compressed = false, echoed = false;
	std::string why = "no session";

	explicit Test(const std::string &address) : client(JID("alice@localhost/gloox"), "secret") {
		auto colon = address.rfind(':');
		client.setServer(address.substr(0, colon));
		client.setPort(std::stoi(address.substr(colon + 1)));
		client.setCompression(true);
		client.setTls(TLSRequired);
		client.registerConnectionListener(this);
		client.registerMessageHandler(this);
		client.logInstance().registerLogHandler(LogLevelDebug, LogAreaAll, this);
		for (int i = 0; i < 200; i++) body += "no word is compressed to nothing: " + std::to_string(i * i * i) + "\n";
	}

	void run() { client.connect(true); }

	void onConnect() override {
		client.send(Message(Message::Chat, client.jid(), body));
	}

	void handleMessage(const Message &m, MessageSession *) override {
		echoed = m.body() == body;
		why = echoed ? "" : "another text came back";
		client.disconnect();
	}

	void onDisconnect(ConnectionError e) override {
		if (e != ConnUserDisconnected) why += ", disconnected: " + std::to_string(e);
	}

	bool onTLSConnect(const CertInfo &info) override {
		// It knows no issuer: for its TLS library who signs a certificate is an authority, and the server's signs itself.
		if ((info.status & ~(CertInvalid | CertSignerUnknown)) == 0) return true;
		why = "the certificate is not good: " + std::to_string(info.status);
		return false;
	}

	void handleLog(LogLevel, LogArea, const std::string &text) override {
		if (text.find("<compressed ") != std::string::npos) compressed = true;
	}

private:
	Client client;
	std::string body;
};

int main() {
	Test t(std::getenv("XYLEM_C2S"));
	t.run();
	if (t.why.empty() && !t.compressed) t.why = "the stream was not compressed";
	if (!t.why.empty()) {
		std::cout << "not ok compression: " << t.why << std::endl;
		return 1;
	}
	std::cout << "ok compression" << std::endl;
}
