import java.nio.file.*;
import org.opensearch.common.settings.KeyStoreWrapper;

/**
 * java -cp 'lib/*' MakeKeystore.java CONFIGDIR: a keystore without a password,
 * of the key=value lines on standard input (never in arguments, which every
 * user of the machine can list). The published jars have no keystore tool.
 */
public class MakeKeystore {
  public static void main(String[] args) throws Exception {
    KeyStoreWrapper keystore = KeyStoreWrapper.create();
    var set = KeyStoreWrapper.class.getDeclaredMethod("setString", String.class, char[].class);
    set.setAccessible(true);
    for (String line : new String(System.in.readAllBytes()).split("\n")) {
      int equals = line.indexOf('=');
      if (equals > 0) set.invoke(keystore, line.substring(0, equals), line.substring(equals + 1).toCharArray());
    }
    keystore.save(Path.of(args[0]), new char[0]);
  }
}
