// SPDX-License-Identifier: Apache-2.0
// The JDBC driver over TLS: port, the server's certificate.
import java.sql.*;

public class JdbcTls {
    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/trial?user=tester&password=secret&sslmode=";
        for (String mode : new String[] {"require", "verify-ca"}) {
            String root = mode.equals("require") ? "" : "&sslrootcert=" + arguments[1];
            try (Connection connection = DriverManager.getConnection(url + mode + root);
                 Statement statement = connection.createStatement();
                 ResultSet rows = statement.executeQuery("select 6 * 7")) {
                rows.next();
                System.out.println(mode + " " + rows.getInt(1));
            }
        }
    }
}
